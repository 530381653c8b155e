//! The bytes of a connection: a client that stops reading does not hold it for ever, and the bare refusals that hyper
//! writes by itself are kept back, to be said in words.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use warp::http::StatusCode;

/// How long a client may read nothing of what is sent. The stream gives up on its clients before.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection.
pub struct Wire<S> {
    stream: S,
    refusal: Option<StatusCode>,
    /// Runs while the client reads nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, refusal: None, stalled: None }
    }

    /// The refusal that was kept back.
    pub(super) fn refusal(&self) -> Option<StatusCode> {
        self.refusal
    }

    /// The connection below, to say it.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// Whether these bytes are, or follow, a refusal of hyper's own: a status from 400 on without a word. What the
    /// endpoints refuse, they explain.
    fn keeps_back(&mut self, bytes: &[u8]) -> bool {
        if self.refusal.is_none() && bytes.starts_with(b"HTTP/1.1 4") && is_bare(bytes) {
            self.refusal = bytes.get(9..12).and_then(|code| StatusCode::from_bytes(code).ok());
        }
        self.refusal.is_some()
    }

    fn patiently<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn is_bare(head: &[u8]) -> bool {
    head.windows(BARE.len()).any(|part| part == BARE)
}

const BARE: &[u8] = b"\r\ncontent-length: 0\r\n";

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.keeps_back(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.patiently(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if slices.first().is_some_and(|first| self.keeps_back(first)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.patiently(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.patiently(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever was refused is still to be told.
        if self.refusal.is_some() {
            return Poll::Ready(Ok(()));
        }
        let shut_down = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.patiently(cx, shut_down)
    }
}
