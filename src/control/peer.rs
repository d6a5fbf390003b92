//! Asks the kernel who is at the other end, and the system for the names that go with the numbers.

use super::{Named, Peer, Rules, Settings};
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Group, Uid, User, geteuid};
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// The caller as it was when it connected. Looks up no name: that may take a while.
pub(super) fn peer(socket: &impl AsFd) -> io::Result<Peer> {
    let credentials = getsockopt(&socket.as_fd(), sockopt::PeerCredentials)?;
    Ok(Peer {
        uid: credentials.uid(),
        gid: credentials.gid(),
        groups: groups(socket)?,
        pid: Some(credentials.pid()).filter(|&pid| pid > 0),
        name: None,
    })
}

/// The user's name. May ask a directory service, so it blocks.
pub(super) fn name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

/// The agent's own user.
pub(super) fn own_uid() -> u32 {
    geteuid().as_raw()
}

/// The configured names as numbers. May ask a directory service, so it blocks.
pub(super) fn rules(settings: &Settings) -> Rules {
    let group = |name: &String| Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
    let user = |name: &String| User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
    let named = |name: &String, id| Named { name: name.clone(), id };
    Rules {
        own_uid: own_uid(),
        groups: settings.admin_groups.iter().map(|name| named(name, group(name))).collect(),
        users: settings.admin_users.iter().map(|name| named(name, user(name))).collect(),
    }
}

#[expect(unsafe_code, reason = "SO_PEERGROUPS has no safe binding in nix or the standard library")]
fn groups(socket: &impl AsFd) -> io::Result<Vec<u32>> {
    let mut groups: Vec<libc::gid_t> = vec![0; GROUPS_USUAL];
    loop {
        let mut bytes = size_of_val(&groups[..]) as libc::socklen_t;
        // SAFETY: the pointer and the length describe `groups`, which outlives the call.
        let result = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &mut bytes,
            )
        };
        let count = bytes as usize / size_of::<libc::gid_t>();
        if result == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        // The kernel says how much room it needs.
        if error.raw_os_error() != Some(libc::ERANGE) || !(groups.len() + 1..=GROUPS_MAX).contains(&count) {
            return Err(error);
        }
        groups.resize(count, 0);
    }
}

const GROUPS_USUAL: usize = 64;
/// NGROUPS_MAX of Linux.
const GROUPS_MAX: usize = 65_536;
