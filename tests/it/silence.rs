//! Everyday messages of many languages hold prices, times, orders and rooms, and nothing that is anybody's.

use std::ops::Range;

use efface::Hints;
use efface::RuleSet;
use efface::ids::Region;
use efface::scan::{ScanConfig, Scanner, Scratch};

/// The region of a message, and the message. Made up.
const MESSAGES: &[(&str, &str)] = &[
    ("ES", "Hola, el pedido 12345678 llega mañana a las 10:30, son 1500 pesos sin iva"),
    ("ES", "te debo 20000, te pago el 15 de mayo de 2026"),
    ("ES", "la casa tiene 120 m2 y cuesta 250000 euros, dni no hace falta"),
    ("ES", "somos 4 para cenar a las 21:30 en la calle Mayor 12"),
    ("MX", "ya no hay de 500 ml, solo de 1000 ml, son 2 cajas x 24"),
    ("AR", "el turno es el 12/05 a las 14.30, traer 3500 en efectivo"),
    ("CO", "cada uno vale 45.000 y el domicilio 5.000, total 95.000"),
    ("CO", "el bus 123 pasa por la carrera 7 con 45"),
    ("PE", "mañana 8am en la plaza, piso 12 oficina 1204"),
    ("CL", "quedan 3 cupos a 25.990 cada uno, pagar antes del 30/11"),
    ("VE", "el dolar esta en 365,50 y ayer en 362,10"),
    ("FR", "Bonjour, ma commande 123456789 n'est pas arrivée, ça fait 12 jours"),
    ("FR", "on se voit le 14/05/2026 à 18h30, salle 204 bâtiment B12"),
    ("FR", "le prix est de 1 250 000 francs, je ne peux pas payer plus de 900 000"),
    ("SN", "envoie 5000 par wave, le reste 15000 demain car je n'ai pas tout"),
    ("CI", "le sac de riz 50 kg est à 23 500 fcfa, il en reste 12"),
    ("CI", "il faut 3 photos et 2000 f pour le dossier 2026/0145"),
    ("FR", "le train 6607 part à 7h58 voie 12, place 045 voiture 16"),
    ("FR", "code promo ETE2026, valable jusqu'au 31/08/2026, -20% dès 100 euros"),
    ("BR", "oi, o pedido 987654321 foi entregue? paguei 149,90 no pix"),
    ("BR", "a reunião é dia 12 às 15h na sala 304, são 25 pessoas"),
    ("BR", "sim, quero 2 de 500g e 1 de 1kg, total 87,50"),
    ("PT", "o comboio 524 sai às 09:39 da linha 3, são 24,70 euros"),
    ("DE", "Hallo, die Bestellung 123456789 ist noch nicht da, am 12.05.2026 bestellt"),
    ("DE", "Der Zug ICE 597 fährt um 14:05 von Gleis 7, Wagen 12 Platz 45"),
    ("DE", "Guten Tag, wir kommen um 10 Uhr, das macht 1.250,00 Euro plus 19% MwSt"),
    ("DE", "Treffpunkt Raum 3.12, Tag 2 beginnt um 900 Uhr, bitte die 100 Seiten lesen"),
    ("DE", "die Wohnung hat 85 qm, 3 Zimmer, 950 kalt, ab 01.06.2026"),
    ("AT", "der bus 13a kommt um 1230, linie u4 bis 2345"),
    ("IT", "ciao, ci vediamo alle 18.30, porta 3 bottiglie e 250 grammi di pane"),
    ("IT", "l'ordine 12345678 non è arrivato, ho pagato 89,90 il 3 maggio"),
    ("IT", "il treno 9612 parte alle 10:15 dal binario 4, carrozza 7 posto 12A"),
    ("IT", "chi viene? siamo in 12, costa 35 euro a testa, tavolo 24"),
    ("NL", "de bestelling 12345678 is er nog niet, besteld op 12-05-2026 voor 49,95"),
    ("NL", "trein van 10.15 spoor 7, ik ben er om kwart over 12, kamer 204"),
    ("NL", "van 1200 voor 899, met 24 maanden garantie en 30 dagen retour"),
    ("ID", "kak pesanan 123456789 belum sampai, sudah 5 hari, totalnya 250.000"),
    ("ID", "besok jam 10 di ruang 304 ya, bawa 2 fotokopi dan 50000"),
    ("ID", "harga 1.250.000 nego, bisa cod, stok 12, ukuran 38 39 40"),
    ("ID", "wa aja kak nanti jam 8, harga 75rb, ready 100 pcs"),
    ("KE", "Habari, nitumie 2500 kesho saa nne, nyumba ni 15000 kwa mwezi"),
    ("KE", "mzigo wa 50 kg ni 3500, jumla 7000, namba ya oda 123456"),
    ("TZ", "bei ni 25000 kwa moja, tuko 12, basi la saa 2 usiku"),
    ("KE", "the matatu no 125 from stage 23 at 6am, fare is 100 bob, pass the 2nd till 300"),
    ("PL", "nie mam 12345678 punktów, zamówienie 987654321 z dnia 12.05.2026"),
    ("PL", "pociąg 5412 o 14:35 z peronu 3, wagon 12 miejsce 45, cena 89,90 zł"),
    ("PL", "spotkanie o 10:30 w sali 204, to jest 15 osób, bez 100 zł się nie obejdzie"),
    ("TR", "bir tane 250 lira, iki tane 450, kargo 29,90, sipariş 123456789"),
    ("TR", "saat 14:30 da 3. kat 305 nolu oda, toplam 12 kişi 4500 tl"),
    ("RO", "comanda 123456789 nu a ajuns, am platit 149,99 lei pe 12.05.2026"),
    ("RO", "ne vedem la ora 18:30, sala 12, sunt 25 de persoane, costa 100 lei"),
    ("IN", "bhai kal 10 baje milte hai, 2500 rupaye bhej do, order 403-1234567-1234567 aa gaya"),
    ("IN", "train 12951 ka pnr confirm hai, coach b4 seat 23, platform 5"),
    ("IN", "otp mat batana, recharge 239 wala kar do, data 1.5 gb per day 28 days"),
    ("PH", "magkano po? 1500 po kada isa, order 12345678, cod lang po hanggang 5pm"),
    ("PH", "bukas ng 10am sa room 204, 25 tayo lahat, 150 pesos kada ulo"),
    ("VN", "don hang 123456789 chua den, gia 250.000 hai cai, giao luc 10h30"),
    ("VN", "so the hay qua, hom nay 12/05 gap o phong 304 luc 9h, mang 500k"),
    ("RU", "заказ 123456789 не пришел, заплатил 2500 рублей 12.05.2026 в 14:30"),
    ("RU", "поезд 123 в 10:45, вагон 12 место 34, цена 3450"),
    ("EG", "الطلب رقم 123456789 لم يصل، دفعت 250 جنيه يوم 12/05/2026 الساعة 10:30"),
    ("GB", "the vehicle did 500 miles, I paid 12000 for it in 2019, plate of chips for 250"),
    ("GB", "order 123-4567890-1234567 arrives 12 May between 10:30 and 12:30, locker 4521"),
    ("GB", "bus 345 then walk 500m, flat 12 block 304, ring bell 23, code for gate on the day"),
    ("US", "the game was 104-98, he had 23 points 10 rebounds, row 12 seat 104"),
    ("US", "rent is 1850 plus 125 parking, sqft 845, built 1998, lot 12-345"),
    ("US", "flight AA1234 at 6:45, gate B12, seat 23A, confirmation to follow, 2 bags 50 lbs"),
    ("US", "invoice 20260512 for 1,250.00 is due 06/15/2026, po 4500123456"),
    ("US", "version 10.0.19045.4291 build 22631, driver 31.0.15.3623, error 0x80070005"),
    ("US", "set the timer for 1234567890 seconds lol, run the 5k in 25:30, sat 10/12"),
    ("US", "case 12345678 is closed, ticket 98765432, ref 4521-8876-1234"),
    ("NG", "abeg send 5000 to me, I get 12000 for account before, the market woman wan 25000"),
    ("NG", "the pass mark is 200, she scored 245, jamb form na 4700, centre 12345"),
    ("ZA", "load shedding stage 4 at 18:00 to 20:30, area 12, said 10 min ago 500 houses"),
    ("ZA", "parcel 1234567890 is at the depot, R250 cod, unit 12345"),
    ("DE", "ein Paket mit 123456789 kommt, die 100 Euro zahle ich"),
    ("IT", "ci vediamo domani, codice 12345678"),
    ("TR", "bir tane 123456789 var"),
    ("ES", "llego sin avisar con el pedido 12345678"),
    ("PL", "to nie jest 987654321"),
    ("GB", "bring a plate for 100 people"),
    ("GB", "the plate is hot, for 250 naira"),
    ("US", "vehicle for sale 500 usd"),
    // What is spoken of, and not told.
    ("US", "hey call me when you get the package, tracking 1Z999AA10123456784, should be there by 5"),
    ("US", "the account executive said 30 days, 2500 units at 12.50 each, license for 100 users"),
    ("US", "password reset link expires in 24 hours, code sent to you at 10:32"),
    ("US", "patient was seen on 05/12/2026 bp 120/80 hr 72 temp 98.6 weight 180 lbs"),
    ("US", "medical record says 12 visits, insurance covers 80 percent up to 5000"),
    ("US", "driver will pick you up at 6:15, license to kill 007, gate 45"),
    ("US", "my passport expires in 2027, flight on 10/12/2026 seat 23A row 14"),
    ("GB", "the car failed its mot at 85000 miles, cost me 450 quid, booked 12 March"),
    ("GB", "sort it out by 12-30, meet at 10-15 on 20-05, code is not needed"),
    ("GB", "nhs waiting list is 18 weeks, 7500000 people, called 111 twice"),
    ("IN", "pan card me kharch 107 rupees, aadhaar update 50 rs, center 9 to 5"),
    ("IN", "account me 50000 aaya, ifsc bhejo, limit 200000 per day"),
    ("IN", "car service 12500 km par, bill 4500, vehicle ready by 5 pm"),
    ("BR", "meu cpf tá ok, conta de luz 245,80 vence 15/06, código de barras depois"),
    ("BR", "placa do carro final 5 roda até 30/06, ipva 1250,00 em 3x"),
    ("FR", "ma carte vitale est arrivée, remboursé 23,50 sur 25 euros le 12/05/2026"),
    ("FR", "le passeport coûte 86 euros, rdv le 14/05/2026 à 10h15 guichet 12"),
    ("FR", "numéro de table 24, réservation pour 12 personnes à 20h30"),
    ("ES", "el dni me caduca en 2027, cita el 12/05/2026 a las 09:15 mesa 4"),
    ("ES", "la cuenta son 45,80, somos 6, mesa 12, pago con tarjeta"),
    ("ES", "matrícula abierta hasta el 30/06/2026, curso 2026/2027, 1250 euros"),
    ("MX", "el curp se saca gratis, cita 10:30, ventanilla 12, costo 0"),
    ("DE", "Der Personalausweis kostet 37,00 Euro, Termin am 12.05.2026 um 10:15 Zimmer 204"),
    ("DE", "das Konto ist leer, Miete 950 Euro zum 01.06.2026, Kaution 1900"),
    ("DE", "Kennzeichen reservieren kostet 2,60, Reifen 205/55 R16 91V ab 89 Euro"),
    ("IT", "il conto è 125,50, siamo in 6, tavolo 12, alle 20:30"),
    ("ID", "ktp sudah jadi, ambil jam 10 loket 12, biaya 0 rupiah"),
    ("ID", "rekening kosong, transfer 150.000 dulu sisanya 350.000 nanti"),
    ("KE", "kitambulisho kinatoka baada ya siku 30, lipa 1000, ofisi 12"),
    ("KE", "paybill ya stima, lipa 1500, salio ni 250, muda ni saa 10"),
    ("NG", "my account is empty, send 5k, bvn registration is free, bank closes by 4"),
    ("NG", "nin slip na 1200, center dey open 9 to 4, carry 2 passport photos"),
    ("ZA", "id photos cost 80, home affairs opens 08:00, queue 200 people"),
    ("TR", "kimlik yenileme 182,50 lira, randevu 12.05.2026 saat 10:30 masa 4"),
    ("PL", "dowód odbiorę 12.05.2026 o 10:30, pokój 204, opłata 0 zł"),
    ("PH", "sss contribution is 1400, deadline june 30, office hours 8 to 5"),
    ("VN", "cccd lam xong ngay 12/05, le phi 50.000, phong 204"),
    ("TH", "บัตรประชาชนหมดอายุ 12/05/2569 ค่าธรรมเนียม 100 บาท ช่อง 12"),
    ("US", "ip rating 68, version 2.4.1.0, mac os 14.5, build 23F79, port 8080"),
    ("US", "card game at 8, 52 cards, 4 players, pot is 1250, bank holds 5000"),
    ("US", "imei check is free, sim 2 slot, iccid not needed, phone 256 gb for 799"),
    ("US", "vin number decoding costs 9.99, car has 45000 miles, 2019 model"),
    // Dates that are nobody's birth date.
    ("US", "my daughter was born yesterday, the visit is on 05/14/2025 at 10:30"),
    ("US", "birthday party for 25 people, doors open 12/05/2026 at 18:00, gift under 30"),
    ("GB", "born and bred here, moved out in 1996, back since 12/05/2024"),
    ("GB", "passport was issued on 12/05/2010 and expires 12/05/2020, renew it by 01/06/2026"),
    ("KE", "kitambulisho cha kale kilitolewa, order ya 12/04/2011 bado, kuja 12/05/2026"),
    ("RW", "indangamuntu izaboneka 12/05/2026 saa 10:30, zana 500"),
    ("ES", "la cita para el dni es el 12/05/2025 a las 09:15, el pedido del 03/04/2011 no llegó"),
    ("FR", "il ne le paiera pas avant le 15/03/2025, le reste le 01/09/2026"),
    ("BR", "o bebê nasceu bem, consulta dia 12/05/2025 às 15h, sala 304"),
    ("DE", "Der Ausweis ist gültig bis 12.05.2012, Termin 12.05.2026 um 10:15"),
    ("ID", "anak lahir sehat, kontrol tanggal 12/05/2026 jam 10, biaya 150.000"),
    ("TR", "doğum günü partisi cumartesi, 12.05.2026 saat 19:30, 25 kişi"),
    ("PL", "urodziny w sobotę, tort na 12.05.2026, 25 osób, 10 zł od osoby"),
    ("IN", "aadhaar update 12/05/2026 ko hai, pan card ki fees 107, last date 31/03/2026"),
    // Passwords and PINs that are spoken of, and not told.
    ("US", "the password is required for iphone12, reset it within 24hours or call 1030"),
    ("US", "pin 5 of the connector goes to gpio 17, pin it at 1030, bowling pins 2500"),
    ("IN", "courier to Bengaluru PIN 560001, pin code 110001 is for Delhi"),
    ("KE", "never share your PIN, dial *334# to change it, send 2500 before 6pm"),
    ("KE", "ingiza PIN yako kutuma 5000 kwa duka la 12 kabla ya 1830"),
    ("ES", "la clave está en salir a las 10:30, olvidé la contraseña 3 veces, son 24 horas"),
    ("FR", "mot de passe oublié, le lien expire dans 24 heures, code pin bloqué après 3 essais"),
    ("BR", "esqueci a senha, retirei a senha na fila e chamaram 25 pessoas, sala 304"),
    ("DE", "Passwort vergessen, PIN kommt per Post in 10 Tagen, Gebühr 1250"),
    ("NL", "ik pin 1250 euro bij de kassa, de pas ligt thuis"),
    ("PL", "hasło dnia jest na tablicy, sala 204, godzina 10:30"),
];

/// All packs, and what they find.
struct Reader {
    rules: RuleSet,
    scanner: Scanner,
    scratch: Scratch,
}

impl Reader {
    fn new() -> Self {
        let rules = RuleSet::builtin().unwrap();
        let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
        let scratch = scanner.scratch();
        Self { rules, scanner, scratch }
    }

    /// Returns entities and where they stand.
    fn found(&mut self, text: &str, region: Option<&str>) -> Vec<(&str, Range<usize>)> {
        let regions: Vec<_> = region.map(|region| Region::new(region.as_bytes()).unwrap()).into_iter().collect();
        let hints = Hints::default().regions(&regions);
        let found = self.scanner.scan(text.as_bytes(), &hints, &mut self.scratch).unwrap();
        found.iter().map(|d| (self.rules.entity(d.entity).unwrap().name.as_str(), d.span.range())).collect()
    }
}

#[test]
fn everyday_messages_hold_nothing() {
    let mut reader = Reader::new();
    let mut all = Vec::new();
    for (region, text) in MESSAGES {
        for (entity, span) in reader.found(text, Some(region)) {
            all.push(format!("{region}: {entity} {:?} in {text}", &text[span]));
        }
    }
    assert_eq!(all, Vec::<String>::new());
}

/// Small words are left out of ids and number plates that begin or end beside them.
#[test]
fn prose_is_no_part_of_an_id() {
    let mut reader = Reader::new();
    for (text, expected) in [
        ("my plate is abc 123", "abc 123"),
        ("plate: FOR 250", "FOR 250"),
        ("my plate is abc 123 de", "abc 123 de"),
        ("a plate for 250", ""),
        ("my id is 12345678", "12345678"),
        ("placa mãe b450", "b450"),
        // What has a check or a shape of its own is not prose.
        ("VAT de 136 695 976", "de 136 695 976"),
        ("éDE89370400440532013000", "DE89370400440532013000"),
    ] {
        let found: Vec<_> = reader.found(text, None).into_iter().map(|(_, span)| &text[span]).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }
}

/// Ids of messages and dialogues are full of digits; in one of some 3,000 three groups passed for an Aadhaar.
#[test]
fn uuids_hold_nothing() {
    let mut reader = Reader::new();
    let mut state = 0x5eed_u64;
    let mut random = || {
        // xorshift64, Marsaglia 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut all = Vec::new();
    for n in 0..6_000_u32 {
        let (a, b) = (random(), random());
        let mut uuid = format!(
            "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            8 + (b >> 62),
            b >> 48 & 0xfff,
            b & 0xffff_ffff_ffff
        );
        // Half of them with digits alone in the middle.
        if n % 2 == 0 {
            let digits = uuid.bytes().enumerate().map(|(at, byte)| match byte {
                b'a'..=b'f' if (9..23).contains(&at) => char::from(byte - b'a' + b'3'),
                _ => char::from(byte),
            });
            uuid = digits.collect();
        }
        if n % 3 == 0 {
            uuid.make_ascii_uppercase();
        }
        for frame in ["{}", "dlg-{}", "message {} was read", "ref:{}/1", "({}), thanks"] {
            let text = frame.replace("{}", &uuid);
            for region in ["US", "IN", "BR"] {
                for (entity, span) in reader.found(&text, Some(region)) {
                    all.push(format!("{region}: {entity} {:?} in {text}", &text[span]));
                }
            }
        }
    }
    assert_eq!(all, Vec::<String>::new());
}

/// What begins before a UUID is found as before.
#[test]
fn keys_that_end_like_a_uuid_are_keys() {
    let mut reader = Reader::new();
    for (text, expected) in [
        ("xoxb-d178f60e-4991-1866-5246-ae8eee9a70a3", "SECRET_SLACK 0..41"),
        // The sixteenth sign, where a long word is one, is the second letter of a word with a capital.
        ("xoxb-12345678-Abcdefghijkl", "SECRET_SLACK 0..26"),
        ("device id: d178f60e-4991-4866-9246-ae8eee9a70a3", "UUID 11..47"),
        ("d178f60e-4991-4866-9246-ae8eee9a70a3@example.org", "EMAIL_ADDRESS 0..48"),
        ("https://example.org/d178f60e-4991-4866-9246-ae8eee9a70a3", "URL 0..56"),
        ("d178f60e-4991-4866-9246-ae8eee9a70a3 +221771234567", "PHONE_NUMBER 37..50"),
        // A letter too many.
        ("aadhaar d178f60e-4991-1866-5246-ae8eee9a70a3x", "IN_AADHAAR 17..31"),
    ] {
        let found: Vec<_> =
            reader.found(text, None).into_iter().map(|(entity, span)| format!("{entity} {span:?}")).collect();
        assert_eq!(found.join(", "), expected, "{text}");
    }
}
