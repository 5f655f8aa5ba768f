// leak [--truth FILE]: Rust call sites. Every allocation happens inside alloc's
// RawVec, Box or String, and must be charged to the line here that asked for it.
// Everything leaks on purpose (mem::forget). The known answers are written by the
// program itself, once all is allocated.
use std::fmt::Write;

struct Site {
    function: &'static str,
    line: u32,
    bytes: usize,
    objects: usize,
}

#[inline(never)]
fn push_numbers() -> Site {
    let mut v: Vec<u64> = Vec::new();
    let line = line!() + 2;
    for i in 0..10_000u64 {
        v.push(i); // one block: capacity times 8 bytes
    }
    let bytes = v.capacity() * 8;
    std::mem::forget(v);
    Site { function: "push_numbers", line, bytes, objects: 1 }
}

#[inline(never)]
fn grow_string() -> Site {
    let mut s = String::new();
    let line = line!() + 2;
    for _ in 0..5_000 {
        s.push_str("some text "); // one block
    }
    let bytes = s.capacity();
    std::mem::forget(s);
    Site { function: "grow_string", line, bytes, objects: 1 }
}

#[inline(never)]
fn leak_boxes() -> Site {
    let line = line!() + 2;
    for i in 0..500u64 {
        std::hint::black_box(Box::leak(Box::new([i; 16]))); // 128 bytes each
    }
    Site { function: "leak_boxes", line, bytes: 500 * 128, objects: 500 }
}

fn main() {
    let sites = [push_numbers(), grow_string(), leak_boxes()];
    let arguments: Vec<String> = std::env::args().collect();
    let mut text = String::from("{\"sites\":[");
    for (i, site) in sites.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        write!(
            text,
            "{}\n{{\"function\":\"{}\",\"line\":{},\"bytes\":{},\"objects\":{}}}",
            comma, site.function, site.line, site.bytes, site.objects
        )
        .unwrap();
    }
    text.push_str("\n]}\n");
    if arguments.len() == 3 && arguments[1] == "--truth" {
        std::fs::write(&arguments[2], &text).unwrap();
    }
}
