//! Whom a link trusts, whom it refuses, and what it says about that. Against real TLS servers.

#![expect(clippy::panic, reason = "a test that fails shows where")]

mod support;

use otrail::net::{self, NetError, Pin, TlsSettings, TlsVersion, inspect};
use otrail::transport::{Link, LinkError, Settings};
use rustls::version::TLS12;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use std::time::Duration;
use support::certs::{Ca, Kind};
use support::peer::{self, Peer};
use support::world::{BOTH, FRAME, LOCAL, World, answered, connect, read_all, tls};

/// Connects, and sends if that works: why it did not come to an end well.
async fn refusal(settings: &Settings) -> NetError {
    let error = match connect(settings).await {
        Err(error) => error,
        Ok(mut link) => match link.send(FRAME).await {
            Err(error) => error,
            Ok(()) => link.closed().await,
        },
    };
    match error {
        LinkError::Net(error) => error,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_peer_is_known_by_its_address_too() {
    let world = World::new();
    let peer = world.serve(read_all);
    let mut settings = world.settings(peer.port);
    tls(&mut settings).server_name = "127.0.0.1".to_owned();
    assert!(answered(&connect(&settings).await.unwrap().barrier(Duration::ZERO).await));
}

#[tokio::test]
async fn a_certificate_that_is_not_right_gets_no_audit_data() {
    let world = World::new();
    let stranger = Ca::new("another CA");
    let cases = [
        (world.ca.sign(Kind::Server, &["siem.example.net", "*.example.org", "192.0.2.7"]), "WrongName"),
        (stranger.sign(Kind::Server, LOCAL), "UnknownCa"),
        (world.ca.sign(Kind::Expired, LOCAL), "Expired"),
        (world.ca.sign(Kind::NotYetValid, LOCAL), "NotYetValid"),
        (world.ca.sign(Kind::WrongUsage, LOCAL), "WrongUsage"),
        (world.ca.sign(Kind::Client, LOCAL), "WrongUsage"),
    ];
    for version in BOTH {
        for (identity, case) in &cases {
            let peer = Peer::start_tls(peer::config(identity, None, &[version]), read_all);
            let error = refusal(&world.settings(peer.port)).await;
            assert!(format!("{error:?}").starts_with(case), "{case}: {error:?}");
            assert_eq!(peer.end(), b"", "{case}");
        }
    }
}

#[tokio::test]
async fn a_refusal_says_what_the_certificate_has() {
    let world = World::new();
    for (kind, names, text) in [
        (
            Kind::Server,
            &["siem.example.net", "192.0.2.7"],
            "the peer's certificate is not for localhost but for siem.example.net, 192.0.2.7: \
             if it is the right receiver, set server-name",
        ),
        (
            Kind::Expired,
            &["localhost", "x"],
            "the peer's certificate expired at 2001-01-01T00:00:00Z: renew it there",
        ),
        (
            Kind::NotYetValid,
            &["localhost", "x"],
            "the peer's certificate is not valid before 2199-01-01T00:00:00Z: check the clocks here and there",
        ),
    ] {
        let identity = world.ca.sign(kind, names);
        let peer = Peer::start_tls(peer::config(&identity, None, BOTH), read_all);
        assert_eq!(refusal(&world.settings(peer.port)).await.to_string(), text);
    }
}

#[tokio::test]
async fn a_refusal_names_the_certificate_that_is_to_blame() {
    let world = World::new();
    let old = world.ca.below("issuing CA", 2001);
    let own = Ca::new("localhost").identity();
    let pin = Pin::of(&own.certificate);
    for (identity, text) in [
        (
            old.sign(Kind::Server, LOCAL).followed_by(&old),
            "a certificate in the peer's chain expired at 2001-01-01T00:00:00Z: renew it there".to_owned(),
        ),
        (
            old.sign(Kind::Server, LOCAL),
            "the peer's certificate is signed by an unknown CA: if it is the right receiver, add its CA to ca-file, or have it \
             send the certificates in between"
                .to_owned(),
        ),
        (
            own,
            format!(
                "the peer's certificate is that of a CA, as `openssl req -x509` makes it: give the receiver one for a server, \
                 or, if it is the right receiver, pin it without ca-file: {pin}"
            ),
        ),
        (
            world.ca.sign(Kind::Server, &[]),
            "the peer's certificate names no host, neither localhost nor another: give the receiver one with a \
             subjectAltName, or pin it"
                .to_owned(),
        ),
    ] {
        let peer = Peer::start_tls(peer::config(&identity, None, BOTH), read_all);
        assert_eq!(refusal(&world.settings(peer.port)).await.to_string(), text);
        assert_eq!(peer.end(), b"");
    }
}

#[tokio::test]
async fn a_revoked_certificate_gets_no_audit_data_and_one_without_a_list_neither() {
    let world = World::new();
    let (good, revoked) = (world.ca.sign(Kind::Server, LOCAL), world.ca.sign(Kind::Server, LOCAL));
    let list = world.folder.path().join("crl.pem");
    let refused = async |identity, crl: &str| {
        fs::write(&list, crl).unwrap();
        let peer = Peer::start_tls(peer::config(identity, None, BOTH), read_all);
        let mut settings = world.settings(peer.port);
        tls(&mut settings).crl_file = Some(list.clone());
        let error = refusal(&settings).await;
        assert_eq!(peer.end(), b"");
        error
    };
    let of_ca = world.ca.revoke(&[&revoked]);
    assert!(matches!(refused(&revoked, &of_ca).await, NetError::Revoked));
    let of_another = Ca::new("another CA").revoke(&[]);
    assert!(matches!(refused(&good, &of_another).await, NetError::NoRevocationList));
    fs::write(&list, [of_another, of_ca].concat()).unwrap();
    let peer = Peer::start_tls(peer::config(&good, None, BOTH), read_all);
    let mut settings = world.settings(peer.port);
    tls(&mut settings).crl_file = Some(list.clone());
    assert!(answered(&connect(&settings).await.unwrap().barrier(Duration::ZERO).await));
    fs::write(&list, "no list").unwrap();
    let error = net::tls::client_config(tls(&mut settings)).unwrap_err();
    assert!(
        error.to_string().ends_with("crl.pem holds no certificate revocation list in PEM form"),
        "{error}"
    );
}

#[tokio::test]
async fn a_pin_replaces_the_chain_but_not_dates_and_usage() {
    let world = World::new();
    let stranger = Ca::new("another CA");
    for (kind, case) in [
        (Kind::Server, None),
        (Kind::Expired, Some("Expired")),
        (Kind::NotYetValid, Some("NotYetValid")),
        (Kind::WrongUsage, Some("WrongUsage")),
    ] {
        let identity = stranger.sign(kind, &["some.other.name"]);
        let peer = Peer::start_tls(peer::config(&identity, None, BOTH), read_all);
        let mut settings = world.settings(peer.port);
        tls(&mut settings).pins = vec![Pin([7; 32]), Pin::of(&identity.certificate)];
        tls(&mut settings).verify_chain = false;
        tls(&mut settings).ca_file = None;
        match case {
            None => assert!(answered(&connect(&settings).await.unwrap().barrier(Duration::ZERO).await)),
            Some(case) => {
                let error = refusal(&settings).await;
                assert!(format!("{error:?}").starts_with(case), "{case}: {error:?}");
                assert_eq!(peer.end(), b"", "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_pin_besides_the_chain_needs_both() {
    let world = World::new();
    let identity = world.ca.sign(Kind::Server, LOCAL);
    let actual = Pin::of(&identity.certificate);
    for (verify_chain, name) in [(true, "localhost"), (false, "localhost"), (true, "elsewhere")] {
        let peer = Peer::start_tls(peer::config(&identity, None, BOTH), read_all);
        let mut settings = world.settings(peer.port);
        tls(&mut settings).verify_chain = verify_chain;
        tls(&mut settings).server_name = name.to_owned();
        let right_name = name == "localhost";
        tls(&mut settings).pins = vec![if right_name { Pin([7; 32]) } else { actual }];
        let error = refusal(&settings).await;
        let pin_named = matches!(error, NetError::PinMismatch { actual: shown } if shown == actual);
        assert_eq!(pin_named, right_name, "{error:?}");
        assert_eq!(peer.end(), b"");
    }
}

#[tokio::test]
async fn a_peer_without_trust_settings_is_never_asked() {
    let world = World::new();
    let mut settings = world.settings(1);
    tls(&mut settings).verify_chain = false;
    assert!(matches!(refusal(&settings).await, NetError::NoTrust));
    let unprepared = Link::connect(&world.settings(1), None).await;
    assert!(matches!(unprepared.err(), Some(LinkError::Unprepared)));
}

#[tokio::test]
async fn a_peer_that_wants_to_know_us_is_named_as_the_cause() {
    let world = World::new();
    let foreign = Ca::new("another CA").sign(Kind::Client, &["sensor"]).write(world.folder.path(), "foreign");
    let expired = world.ca.sign(Kind::Expired, &["sensor"]).write(world.folder.path(), "expired");
    for version in BOTH {
        let refused = |why| {
            format!(
                "the peer refused our client certificate: {why}; check cert-file here and the trusted CA there"
            )
        };
        let demanded = "the peer demands a client certificate: set cert-file and key-file".to_owned();
        for (files, text) in [
            (None, demanded),
            (Some(&foreign), refused("it does not know the CA")),
            (Some(&expired), refused("it expired")),
        ] {
            let identity = world.ca.sign(Kind::Server, LOCAL);
            let peer = Peer::start_tls(peer::config(&identity, Some(&world.ca), &[version]), read_all);
            let mut settings = world.settings(peer.port);
            tls(&mut settings).cert_file = files.map(|files| files.certificate.clone());
            tls(&mut settings).key_file = files.map(|files| files.key.clone());
            assert_eq!(refusal(&settings).await.to_string(), text, "{version:?}");
            assert_eq!(peer.end(), b"");
        }
    }
}

#[test]
fn keys_that_cannot_be_used_are_refused_with_a_way_out() {
    let world = World::new();
    let other = world.ca.sign(Kind::Client, &["other"]).write(world.folder.path(), "other");
    let refused = |change: &dyn Fn(&mut TlsSettings)| {
        let mut settings = world.settings(1);
        change(tls(&mut settings));
        let text = net::tls::client_config(tls(&mut settings)).unwrap_err().to_string();
        assert_eq!(inspect::identity(tls(&mut settings)).unwrap_err().to_string(), text);
        text.replace(world.folder.path().to_str().unwrap(), "")
    };
    fs::set_permissions(&other.key, fs::Permissions::from_mode(0o644)).unwrap();
    let loose = refused(&|tls| tls.key_file = Some(other.key.clone()));
    assert!(loose.starts_with("/other.key has mode 0644, others can get at it: ch"), "{loose}");
    fs::set_permissions(&other.key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(
        refused(&|tls| tls.key_file = Some(other.key.clone())),
        "the key in /other.key does not belong to the certificate in /client.pem"
    );
    fs::write(
        &other.key,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    )
    .unwrap();
    assert_eq!(
        refused(&|tls| tls.key_file = Some(other.key.clone())),
        "the key in /other.key is encrypted: store it without passphrase, with the owner and mode that it has"
    );
    assert_eq!(refused(&|tls| tls.key_file = None), "a client certificate needs both cert-file and key-file");
    assert_eq!(
        refused(&|tls| tls.cert_file = Some(world.client.key.clone())),
        "/client.key holds no certificate in PEM form"
    );
    assert_eq!(refused(&|tls| tls.cert_file = Some("/nowhere.pem".into())), "cannot read /nowhere.pem");
}

#[test]
fn certificates_in_another_form_or_order_are_told_with_the_way_to_the_right_one() {
    let world = World::new();
    let issuing = world.ca.below("issuing CA", 2199);
    let own = issuing.sign(Kind::Client, &["sensor"]);
    let files = own.write(world.folder.path(), "own");
    let file = world.folder.path().join("file");
    let found = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let mut settings = world.settings(1);
        (tls(&mut settings).cert_file, tls(&mut settings).key_file) =
            (Some(file.clone()), Some(files.key.clone()));
        let used = net::tls::client_config(tls(&mut settings));
        used.map_or_else(
            |error| error.to_string().replace(world.folder.path().to_str().unwrap(), ""),
            |_| "used".to_owned(),
        )
    };
    let (pem, ca) = (own.certificate_pem.as_str(), issuing.identity().certificate_pem);
    assert_eq!(found(format!("\u{feff}{pem}").as_bytes()), "used");
    assert_eq!(found(format!("{pem}{ca}").as_bytes()), "used");
    assert_eq!(
        found(format!("{ca}{pem}").as_bytes()),
        "/file begins with another certificate than that of the key: put it first, then the one that signed it"
    );
    assert_eq!(
        found(&own.certificate),
        "/file is in DER form, not PEM: openssl x509 -inform der -in /file -out FILE"
    );
    assert_eq!(
        found(b"\x30\x82\x04\x00\x02\x01\x03\x30\x82\x03\xc6"),
        "/file is in PKCS #12 form, not PEM: openssl pkcs12 -nokeys -in /file -out FILE"
    );
    assert_eq!(found(b"0123"), "/file holds no certificate in PEM form");
}

#[test]
fn certificates_can_be_looked_at_before_they_are_used() {
    let world = World::new();
    let ours = inspect::identity(world.settings(1).net.tls.as_ref().unwrap()).unwrap().unwrap();
    assert_eq!((ours.subject.as_str(), ours.issuer.as_str()), ("CN=sensor", "CN=test CA"));
    assert_eq!(ours.not_after.to_string(), "2200-01-01T00:00:00Z");
    assert_eq!(ours.names, ["sensor"]);
    let authorities = inspect::authorities(&world.ca_file).unwrap();
    assert_eq!(authorities.iter().map(|ca| ca.subject.as_str()).collect::<Vec<_>>(), ["CN=test CA"]);
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_told_apart() {
    let world = World::new();
    let peer = Peer::start(|mut socket| {
        socket.write_all(b"220 mail.example.net\r\n").unwrap();
        std::io::copy(&mut socket, &mut std::io::sink()).unwrap();
    });
    assert!(matches!(refusal(&world.settings(peer.port)).await, NetError::NotTls));

    let peer = Peer::start(drop);
    assert!(matches!(
        refusal(&world.settings(peer.port)).await,
        NetError::HandshakeClosed | NetError::Handshake { .. }
    ));

    let (release, held) = mpsc::channel::<()>();
    let peer = Peer::start(move |_socket| held.recv());
    let mut settings = world.settings(peer.port);
    settings.net.connect_timeout = Duration::from_millis(50);
    let error = refusal(&settings).await;
    assert_eq!(
        error.to_string(),
        "the TLS handshake with 127.0.0.1 took longer than 50ms: check that this port speaks TLS"
    );
    drop(release);
}

#[tokio::test]
async fn a_peer_with_older_tls_only_has_nothing_in_common() {
    let world = World::new();
    let identity = world.ca.sign(Kind::Server, LOCAL);
    let peer = Peer::start_tls(peer::config(&identity, None, &[&TLS12]), read_all);
    let mut settings = world.settings(peer.port);
    tls(&mut settings).version_min = TlsVersion::V1_3;
    assert!(matches!(refusal(&settings).await, NetError::NothingInCommon { .. }));
}

#[tokio::test]
async fn nobody_there_is_an_error_of_its_own() {
    let world = World::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(matches!(refusal(&world.settings(port)).await, NetError::Refused { .. }));
    let mut settings = world.settings(port);
    settings.net.host = "no such host".to_owned();
    assert!(matches!(refusal(&settings).await, NetError::Resolve { .. }));
}
