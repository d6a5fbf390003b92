//! What the kernel knows about a connection: the two questions that no safe wrapper asks.

#![expect(unsafe_code, reason = "ioctl and getsockopt with a plain integer and a plain struct as the answer")]

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// Bytes that the peer's kernel has not acknowledged yet (SIOCOUTQ, tcp(7)).
pub fn unacknowledged(socket: &impl AsFd) -> io::Result<u32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open for as long as it is borrowed, and SIOCOUTQ (TIOCOUTQ) writes one int.
    let done = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(u32::try_from(bytes).unwrap_or(0)) }
}

/// What the kernel tells of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// The smallest round trip so far (tcpi_min_rtt); `None` before the first measurement.
    pub min_round_trip: Option<Duration>,
    /// The usual round trip at present (tcpi_rtt), and `None` likewise.
    pub round_trip: Option<Duration>,
    /// Bytes that were written and not sent for the first time yet (tcpi_notsent_bytes).
    pub unsent: u32,
}

/// The smallest round trip of the connection so far (tcpi_min_rtt); `None` before the first measurement.
pub fn min_rtt(socket: &impl AsFd) -> Option<Duration> {
    info(socket)?.min_round_trip
}

/// What the kernel tells of a connection; `None` from one that does not.
pub fn info(socket: &impl AsFd) -> Option<Info> {
    let mut info = [0u32; MIN_RTT_AT + 1];
    let mut length = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the descriptor is open for as long as it is borrowed, and the kernel writes at most `length` bytes,
    // which is the size of `info`; any bit pattern is a valid u32.
    let done = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    let whole = done == 0 && length as usize == size_of_val(&info);
    let time =
        |micros: u32| (micros != UNKNOWN && micros != 0).then(|| Duration::from_micros(u64::from(micros)));
    whole.then(|| Info {
        min_round_trip: time(info[MIN_RTT_AT]),
        round_trip: time(info[RTT_AT]),
        unsent: info[UNSENT_AT],
    })
}

/// Places in the kernel's `struct tcp_info`, in words of 32 bits; the same on every machine.
const RTT_AT: usize = 17;
const UNSENT_AT: usize = 36;
const MIN_RTT_AT: usize = 37;
/// What the kernel says before it has measured.
const UNKNOWN: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::mem::offset_of;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn each_stands_where_the_kernel_puts_it() {
        assert_eq!(MIN_RTT_AT * 4, offset_of!(libc::tcp_info, tcpi_min_rtt));
        assert_eq!(RTT_AT * 4, offset_of!(libc::tcp_info, tcpi_rtt));
        assert_eq!(UNSENT_AT * 4, offset_of!(libc::tcp_info, tcpi_notsent_bytes));
    }

    #[test]
    fn what_the_peer_took_is_acknowledged_and_was_measured() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        near.write_all(b"over there").unwrap();
        far.read_exact(&mut [0; 10]).unwrap();
        far.write_all(b"and back").unwrap();
        near.read_exact(&mut [0; 8]).unwrap();
        while unacknowledged(&near).unwrap() > 0 {
            std::thread::yield_now();
        }
        let info = info(&near).unwrap();
        assert!(info.min_round_trip.unwrap() <= info.round_trip.unwrap());
        assert_eq!((info.unsent, min_rtt(&near)), (0, info.min_round_trip));
    }
}
