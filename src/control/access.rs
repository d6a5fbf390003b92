//! Who may ask: a pure decision over what the kernel says about the caller.

use std::fmt;

/// The process at the other end, by the kernel's word, as it was when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Process, if it can be seen from here.
    pub pid: Option<i32>,
    /// The user's name, if the system has one.
    pub name: Option<String>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (uid {}", self.uid)?,
            None => write!(f, "a user without a name (uid {}", self.uid)?,
        }
        match self.pid {
            Some(pid) => write!(f, ", pid {pid})"),
            None => f.write_str(")"),
        }
    }
}

/// A configured group or user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As configured.
    pub name: String,
    /// Its number, if the system knows the name.
    pub id: Option<u32>,
}

/// Who may ask, besides root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The agent's own user.
    pub own_uid: u32,
    /// Groups whose members may.
    pub groups: Vec<Named>,
    /// Users who may.
    pub users: Vec<Named>,
}

/// Decides whether the caller may ask.
pub fn access(peer: &Peer, rules: &Rules) -> Result<(), Refusal> {
    let member = |group: &Named| group.id.is_some_and(|id| id == peer.gid || peer.groups.contains(&id));
    let allowed = peer.uid == 0
        || peer.uid == rules.own_uid
        || rules.users.iter().any(|user| user.id == Some(peer.uid))
        || rules.groups.iter().any(member);
    if allowed { Ok(()) } else { Err(Refusal { who: peer.clone(), rules: rules.clone() }) }
}

/// Decides whether the caller may add to the trail what no source has told, else a sentence why not: whoever reads the trail
/// may not write it.
pub(super) fn may_add(peer: &Peer, own_uid: u32) -> Result<(), String> {
    if peer.uid == 0 || peer.uid == own_uid {
        return Ok(());
    }
    Err(format!("{peer} may not add to the trail; allowed are root and the agent's own user"))
}

/// Why not: a sentence for the caller and for the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    who: Peer,
    rules: Rules,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} may not read the trail; allowed are root", self.who)?;
        list(f, "members of group", &self.rules.groups)?;
        list(f, "user", &self.rules.users)?;
        if !self.rules.groups.is_empty() {
            f.write_str("; a new membership counts from the next login")?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, what: &str, names: &[Named]) -> fmt::Result {
    for Named { name, id } in names {
        write!(f, ", {what} {name}{}", if id.is_some() { "" } else { " (which does not exist)" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 990;
    const ADMINS: u32 = 991;

    fn rules() -> Rules {
        let named = |name: &str, id| Named { name: name.to_owned(), id };
        Rules {
            own_uid: OWN,
            groups: vec![named("otrail-admin", Some(ADMINS)), named("soc", None)],
            users: vec![named("carol", Some(1003)), named("dave", None)],
        }
    }

    fn peer(uid: u32, gid: u32, groups: &[u32]) -> Peer {
        Peer { uid, gid, groups: groups.to_vec(), pid: Some(42), name: Some("bob".to_owned()) }
    }

    #[test]
    fn root_the_agent_and_configured_admins_may_ask_and_no_one_else() {
        for (uid, gid, groups, may) in [
            (0, 0, &[][..], true),
            (0, 5000, &[], true),
            (OWN, OWN, &[], true),
            (1001, ADMINS, &[], true),
            (1001, 1001, &[4, ADMINS, 27], true),
            (1003, 1003, &[], true),
            (1001, 1001, &[], false),
            (1001, 1001, &[4, 27], false),
            (1001, 0, &[0], false),
            (ADMINS, 1001, &[], false),
            (u32::MAX, u32::MAX, &[u32::MAX], false),
        ] {
            assert_eq!(access(&peer(uid, gid, groups), &rules()).is_ok(), may, "{uid} {gid} {groups:?}");
        }
    }

    #[test]
    fn root_and_the_agent_may_add_and_no_admin() {
        for (uid, groups, may) in
            [(0, &[][..], true), (OWN, &[], true), (1001, &[ADMINS, 0], false), (1003, &[], false)]
        {
            assert_eq!(may_add(&peer(uid, uid, groups), OWN).is_ok(), may, "{uid}");
        }
    }

    #[test]
    fn a_group_that_does_not_exist_lets_no_one_in() {
        let soc_alone = Rules { groups: rules().groups.split_off(1), ..rules() };
        assert!(access(&peer(1001, ADMINS, &[ADMINS]), &soc_alone).is_err());
    }

    #[test]
    fn a_refusal_says_who_may() {
        assert_eq!(
            access(&peer(1001, 1001, &[]), &rules()).unwrap_err().to_string(),
            "bob (uid 1001, pid 42) may not read the trail; allowed are root, members of group otrail-admin, \
             members of group soc (which does not exist), user carol, user dave (which does not exist); \
             a new membership counts from the next login"
        );
    }
}
