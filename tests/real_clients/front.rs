//! A front before cahoots that hands bytes on, or answers by itself: 429, 503, or what stands for a model or an API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the front does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Pass,
    Answer(u16),
}

#[derive(Debug)]
struct State {
    mood: Mood,
    behind: SocketAddr,
    answered: u32,
    passed: u32,
    open: Vec<TcpStream>,
}

/// The front.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Front {
    pub(crate) fn start(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("address");
        let state = State { mood: Mood::Pass, behind, answered: 0, passed: 0, open: Vec::new() };
        let front = Self { address, state: Arc::new(Mutex::new(state)) };
        let of_thread = front.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let front = of_thread.clone();
                std::thread::spawn(move || front.serve(client));
            }
        });
        front
    }

    /// Changes what is done; connections that are open are cut.
    pub(crate) fn set(&self, mood: Mood, behind: SocketAddr) {
        let mut state = self.state.lock().expect("lock");
        (state.mood, state.behind) = (mood, behind);
        for stream in state.open.drain(..) {
            // It may be closed already.
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }

    /// Requests answered by the front itself so far.
    pub(crate) fn answered(&self) -> u32 {
        self.state.lock().expect("lock").answered
    }

    /// Connections handed on so far.
    pub(crate) fn passed(&self) -> u32 {
        self.state.lock().expect("lock").passed
    }

    fn serve(&self, client: TcpStream) {
        let (mood, behind) = {
            let mut state = self.state.lock().expect("lock");
            state.open.extend(client.try_clone());
            (state.mood, state.behind)
        };
        match mood {
            Mood::Answer(status) => self.answer(client, status),
            Mood::Pass => {
                // A server that is down looks like one: the connection is closed.
                let Ok(server) = TcpStream::connect(behind) else { return };
                {
                    let mut state = self.state.lock().expect("lock");
                    state.open.extend(server.try_clone());
                    state.passed += 1;
                }
                let (Ok(mut from), Ok(mut to)) = (client.try_clone(), server.try_clone()) else { return };
                std::thread::spawn(move || {
                    let _ended = std::io::copy(&mut from, &mut to);
                    let _closed = to.shutdown(Shutdown::Write);
                });
                let (mut from, mut to) = (server, client);
                let _ended = std::io::copy(&mut from, &mut to);
                let _closed = to.shutdown(Shutdown::Both);
            }
        }
    }

    /// Reads one request whole and answers it.
    fn answer(&self, mut client: TcpStream, status: u16) {
        let Ok(reading) = client.try_clone() else { return };
        let _set = reading.set_read_timeout(Some(Duration::from_secs(10)));
        let mut reader = BufReader::new(reading);
        let (mut length, mut chunked, mut line) = (0_u64, false, String::new());
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            let lower = line.trim().to_ascii_lowercase();
            if lower.is_empty() {
                break;
            }
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            chunked |= lower.starts_with("transfer-encoding:");
            line.clear();
        }
        if chunked {
            let mut last = Vec::new();
            while reader.read_until(b'\n', &mut last).is_ok_and(|read| read > 0) && last != b"0\r\n" {
                last.clear();
            }
        }
        let _read = std::io::copy(&mut reader.take(length), &mut std::io::sink());
        self.state.lock().expect("lock").answered += 1;
        let answer = format!(
            "HTTP/1.1 {status} Front\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let _sent = client.write_all(answer.as_bytes());
    }
}
