//! The limit of the stream: what is posted goes to every socket as it came. Two threads have half of the sockets each, and
//! write what waits as one.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::least::say;
use crate::wire;

enum Told {
    Follower(TcpStream),
    Frame(Arc<[u8]>),
}

const THREADS: usize = 2;

/// Serves for ever.
pub fn serve() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    say(listener.local_addr().expect("an address"));
    let threads: [Sender<Told>; THREADS] = std::array::from_fn(|_| {
        let (sender, told) = channel();
        std::thread::spawn(move || pass_on(&told));
        sender
    });
    let next = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let (stream, threads, next) = (stream.expect("accepted"), threads.clone(), Arc::clone(&next));
        std::thread::spawn(move || take(stream, &threads, &next));
    }
}

/// Takes a client: one that follows goes to a thread, what another posts to all.
fn take(mut stream: TcpStream, threads: &[Sender<Told>; THREADS], next: &AtomicUsize) {
    stream.set_nodelay(true).expect("nodelay");
    let mut bytes = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        match stream.read(&mut bytes[filled..]) {
            Ok(read @ 1..) => filled += read,
            _ => return,
        }
        if bytes.starts_with(b"GET") {
            stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").expect("answered");
            let thread = next.fetch_add(1, Ordering::Relaxed) % THREADS;
            threads[thread].send(Told::Follower(stream)).expect("it lives");
            return;
        }
        if let Some((head, end)) = wire::message(&bytes[..filled]) {
            let frame = frame(&bytes[head..end]);
            for thread in threads {
                thread.send(Told::Frame(Arc::clone(&frame))).expect("it lives");
            }
            stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").expect("answered");
            filled = 0;
        }
    }
}

/// A text frame of WebSocket, for texts up to 64 KiB.
fn frame(text: &[u8]) -> Arc<[u8]> {
    let length = u16::try_from(text.len()).expect("short").to_be_bytes();
    [&[0x81, 126], length.as_slice(), text].concat().into()
}

fn pass_on(told: &Receiver<Told>) {
    let mut followers: Vec<TcpStream> = Vec::new();
    let mut frames = Vec::new();
    while let Ok(first) = told.recv() {
        for told in std::iter::once(first).chain(told.try_iter()) {
            match told {
                Told::Follower(stream) => followers.push(stream),
                Told::Frame(frame) => frames.extend_from_slice(&frame),
            }
        }
        if !frames.is_empty() {
            followers.retain_mut(|follower| follower.write_all(&frames).is_ok());
            frames.clear();
        }
    }
}
