//! A proxy between a process and a broker, and the weather on the way.

use efface::stream::sample::Random;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What befalls every piece that passes.
#[derive(Debug, Default)]
pub(crate) struct Weather {
    pub(crate) delay_ms: AtomicU64,
    /// Of 1,000 pieces, so many end their connection.
    pub(crate) cuts: AtomicU64,
    /// Nothing passes, and nothing ends.
    pub(crate) is_silent: AtomicBool,
    /// Bytes a second on each connection; 0 for all.
    pub(crate) per_s: AtomicU64,
    /// All this befalls outputs alone.
    pub(crate) spares_inputs: AtomicBool,
}

/// The name that a client which writes gives of itself.
pub(crate) const WRITER: &str = "efface-writer";

impl Weather {
    /// Lets nothing of outputs pass, in either direction, or all again.
    pub(crate) fn block_outputs(&self, is_blocked: bool) {
        self.spares_inputs.store(is_blocked, Relaxed);
        self.is_silent.store(is_blocked, Relaxed);
    }

    /// Takes one of the kinds of bad weather; any other number is fair.
    pub(crate) fn set(&self, kind: usize) {
        self.delay_ms.store([200, 0, 0, 0, 2_000].get(kind).copied().unwrap_or(0), Relaxed);
        self.cuts.store([0, 10, 0, 0, 0].get(kind).copied().unwrap_or(0), Relaxed);
        self.is_silent.store(kind == 2, Relaxed);
        self.per_s.store(if kind == 3 { 10_000 } else { 0 }, Relaxed);
    }
}

/// Begins to pass on what comes to `port` to `target`, both on loopback, until the process ends.
pub(crate) fn start(port: u16, target: u16, weather: Arc<Weather>, seed: u64) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", target))) else { continue };
            let is_output = Arc::new(AtomicBool::new(false));
            for (side, (from, to)) in [(&client, &server), (&server, &client)].into_iter().enumerate() {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let weather = Arc::clone(&weather);
                let random = Random(seed ^ (number as u64) << 8 ^ side as u64);
                let is_output = Arc::clone(&is_output);
                std::thread::spawn(move || pass(from, to, &weather, &is_output, random));
            }
        }
    });
}

fn pass(mut from: TcpStream, mut to: TcpStream, weather: &Weather, is_output: &AtomicBool, mut random: Random) {
    let mut piece = vec![0; 16 << 10];
    let mut is_first = true;
    while let Ok(n) = from.read(&mut piece) {
        if n == 0 {
            break;
        }
        // Every request begins with its client's name, and so does the first on a connection.
        if std::mem::take(&mut is_first) && piece[..n].windows(WRITER.len()).any(|name| name == WRITER.as_bytes()) {
            is_output.store(true, Relaxed);
        }
        std::thread::sleep(Duration::from_millis(weather.delay_ms.load(Relaxed)));
        let is_spared = || weather.spares_inputs.load(Relaxed) && !is_output.load(Relaxed);
        while weather.is_silent.load(Relaxed) && !is_spared() {
            std::thread::sleep(Duration::from_millis(20));
        }
        if let Some(ms) = (n as u64 * 1_000).checked_div(weather.per_s.load(Relaxed)) {
            std::thread::sleep(Duration::from_millis(ms.min(5_000)));
        }
        if random.below(1_000) < weather.cuts.load(Relaxed) || to.write_all(&piece[..n]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
