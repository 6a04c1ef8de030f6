use super::{NEVER, ask, connect};
use cache_kit_tests::{Certificates, Cluster, RedisServer, until};
use redis::{AsyncCommands, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind};

fn is_sent(error: &RedisError, how: ServerErrorKind, to: &RedisServer) -> bool {
    let addr = to.addr().to_string();
    let node = error.redirect_node().map(|(node, _)| node);
    error.kind() == ErrorKind::Server(how) && node == Some(&addr)
}

#[tokio::test]
async fn keys_are_spread_over_three_masters_that_have_replicas() {
    let cluster = Cluster::start().await;
    assert_eq!(cluster.urls().len(), 6);
    assert_eq!(
        cluster.slot_of("{tag}1").await,
        cluster.slot_of("{tag}2").await
    );
    let mut ports = Vec::new();
    for slot in [0, 8_000, 16_383] {
        let master = cluster.master_of_slot(slot).await;
        ports.extend([master.port(), cluster.replica_of(master).await.port()]);
    }
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 6);
    let master = cluster.master_of("key").await;
    ask(&master.url(), &["SET", "key", "value"]).await.unwrap();
    let mut others = cluster.nodes().iter();
    let other = others.find(|node| node.port() != master.port()).unwrap();
    let moved = ask(&other.url(), &["GET", "key"]).await.unwrap_err();
    assert!(is_sent(&moved, ServerErrorKind::Moved, master), "{moved}");
}

#[tokio::test]
async fn a_slot_on_the_move_answers_ask_and_then_moved() {
    let cluster = Cluster::builder().password("secret").start().await;
    let (slot, from) = (
        cluster.slot_of("{tag}").await,
        cluster.master_of("{tag}").await,
    );
    let to = cluster.nodes()[..3]
        .iter()
        .find(|node| node.port() != from.port());
    let to = to.expect("three masters");
    ask(&from.url(), &["SET", "{tag}there", "x"]).await.unwrap();
    let slot_move = cluster.begin_move(slot, to).await;
    // What is there is served, what is not may be at the new master.
    assert_eq!(ask(&from.url(), &["GET", "{tag}there"]).await.unwrap(), "x");
    let new = ask(&from.url(), &["SET", "{tag}new", "x"])
        .await
        .unwrap_err();
    assert!(is_sent(&new, ServerErrorKind::Ask, to), "{new}");
    slot_move.move_keys().await;
    let gone = ask(&from.url(), &["GET", "{tag}there"]).await.unwrap_err();
    assert!(is_sent(&gone, ServerErrorKind::Ask, to), "{gone}");
    // The new master serves the slot only to who asks.
    let early = ask(&to.url(), &["GET", "{tag}there"]).await.unwrap_err();
    assert!(is_sent(&early, ServerErrorKind::Moved, from), "{early}");
    let mut asking = redis::pipe();
    asking.cmd("ASKING").ignore().get("{tag}there");
    let mut connection = to.connect().await;
    let (value,): (String,) = asking.query_async(&mut connection).await.unwrap();
    assert_eq!(value, "x");
    slot_move.finish().await;
    let moved = ask(&from.url(), &["GET", "{tag}there"]).await.unwrap_err();
    assert!(is_sent(&moved, ServerErrorKind::Moved, to), "{moved}");
    assert_eq!(ask(&to.url(), &["GET", "{tag}there"]).await.unwrap(), "x");
    // And back at once, with keys of any bytes.
    let mut set = Cmd::new();
    set.arg("SET").arg(b"{tag}\xff\x00").arg("bytes");
    to.execute(&set).await.unwrap();
    cluster.move_slot(slot, from).await;
    assert_eq!(ask(&from.url(), &["GET", "{tag}there"]).await.unwrap(), "x");
    cluster.wait_until_whole().await;
}

#[tokio::test]
async fn a_dead_master_is_replaced_while_the_others_serve() {
    let cluster = Cluster::builder().tls(&Certificates::new()).start().await;
    let ping = async |node: &RedisServer, key: &str| {
        let mut connection = node.connect().await;
        let value: Option<String> = redis::cmd("GET")
            .arg(key)
            .query_async(&mut connection)
            .await?;
        Ok::<_, RedisError>(value)
    };
    let slot = cluster.slot_of("key").await;
    let old = cluster.master_of_slot(slot).await;
    let replica = cluster.replica_of(old).await;
    old.kill();
    for other in cluster.nodes()[..3].iter().filter(|node| node.is_running()) {
        let moved = ping(other, "key").await.expect_err("it is not its slot");
        assert_eq!(moved.kind(), ErrorKind::Server(ServerErrorKind::Moved));
    }
    let new = cluster.wait_for_new_master(slot, old).await;
    assert_eq!(new.port(), replica.port());
    assert_eq!(ping(new, "key").await.unwrap(), None);
    old.restart().await;
    cluster.wait_until_whole().await;
    assert_eq!(old.info("role").await, "slave");
    // And the other way, without anyone dying.
    let back = cluster.failover(new).await;
    assert_eq!(back.port(), old.port());
    cluster.wait_until_whole().await;
    assert_eq!(cluster.master_of("key").await.port(), old.port());
}

#[tokio::test]
async fn a_frozen_shard_times_out_alone() {
    let cluster = Cluster::start().await;
    let frozen = cluster.master_of("key").await;
    let (mut key, mut other) = (0, frozen);
    while other.port() == frozen.port() {
        key += 1;
        other = cluster.master_of(&key.to_string()).await;
    }
    let mut connection = connect(&frozen.url(), NEVER).await.unwrap();
    let replica = cluster.replica_of(frozen).await;
    replica.kill();
    frozen.freeze();
    let answer: RedisResult<()> = connection.get("key").await;
    assert!(answer.unwrap_err().is_timeout());
    until("the others have given up on a shard", || async {
        let info: String = other.query(&["CLUSTER", "INFO"]).await;
        (!info.contains("cluster_slots_fail:0")).then_some(())
    })
    .await;
    let set = ask(&other.url(), &["SET", &key.to_string(), "x"]).await;
    assert_eq!(set.unwrap(), "OK");
    frozen.thaw();
    replica.restart().await;
    cluster.wait_until_whole().await;
}
