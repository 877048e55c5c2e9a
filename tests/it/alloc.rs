//! No allocation per message once the scratch has grown to its work.

use efface::scan::{ScanConfig, Text};
use efface::{Hints, RuleSet, Scanner, Span};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[allow(unsafe_code, reason = "a global allocator is an unsafe trait; every call goes to the system's")]
// SAFETY: each method hands its arguments unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let _ = COUNT.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns how often this thread allocates during `f`.
pub(crate) fn allocations(f: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    f();
    COUNT.with(Cell::get) - before
}

/// Messages with something in them, also in other scripts.
pub(crate) const MESSAGES: &[&str] = &[
    "nothing to see here",
    "call me on +221 77 123 45 67 or mail awa.diop@example.org",
    "رقمي ٠٧٧١٢٣٤٥٦٧ شكرا",
    "card 4111 1111 1111 1111, see https://example.org/a?b=c and 192.0.2.17",
    "电话 13800138000 谢谢, ｍａｉｌ ａ＠ｅｘａｍｐｌｅ．ｏｒｇ",
];

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8; 100]))), 1);
}

#[test]
fn scanning_does_not_allocate() {
    let scanner = Scanner::build(&RuleSet::builtin().unwrap(), ScanConfig::default()).unwrap();
    let mut scratch = scanner.scratch();
    let hints = Hints::default().field(Some("messageText"));
    let buffer = MESSAGES.join("\n");
    let mut spans = Vec::new();
    let mut start = 0;
    for message in MESSAGES {
        spans.push(Span::new(start, start + u32::try_from(message.len()).unwrap()));
        start += u32::try_from(message.len()).unwrap() + 1;
    }
    let texts: Vec<Text> = spans.iter().map(|&span| Text { span, hints: &hints }).collect();
    let mut scan = || {
        for message in MESSAGES {
            scanner.scan(message.as_bytes(), &hints, &mut scratch).unwrap();
        }
        scanner.scan_batch(buffer.as_bytes(), &texts, &mut scratch);
    };
    scan();
    assert_eq!(allocations(|| (0..100).for_each(|_| scan())), 0);
}
