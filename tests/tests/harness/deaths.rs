use super::is_refused;
use cache_kit_tests::{RedisServer, until};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

/// Makes `serve_until_killed` a process that another test kills.
const VICTIM: &str = "CACHE_KIT_HARNESS_VICTIM";

#[tokio::test]
async fn a_dropped_server_is_gone_with_its_directory() {
    let server = RedisServer::start().await;
    let (addr, directory) = (server.addr(), directory(&server).await);
    assert!(Path::new(&directory).exists());
    drop(server);
    assert!(is_refused(addr).await);
    assert!(!Path::new(&directory).exists());
}

#[tokio::test]
async fn a_panic_ends_the_server() {
    let (sender, receiver) = mpsc::channel();
    let test = tokio::spawn(async move {
        let server = RedisServer::start().await;
        sender
            .send((server.addr(), directory(&server).await))
            .unwrap();
        panic!("as a failed assertion does");
    });
    let error = test.await.expect_err("it panics");
    assert!(error.is_panic());
    let (addr, directory) = receiver.recv().expect("it was sent before");
    assert!(is_refused(addr).await);
    assert!(!Path::new(&directory).exists());
}

/// A runtime may end its threads at any time; `PR_SET_PDEATHSIG` would end the server with them.
#[tokio::test]
async fn a_server_outlives_the_thread_that_started_it() {
    let handle = tokio::runtime::Handle::current();
    let thread = std::thread::spawn(move || handle.block_on(RedisServer::start()));
    let server = until("the thread has ended", || async {
        thread.is_finished().then_some(())
    });
    server.await;
    let server = thread.join().expect("no panic");
    let pong: String = server.query(&["PING"]).await;
    assert_eq!(pong, "PONG");
}

#[tokio::test]
async fn a_server_ends_with_a_test_process_that_is_killed() {
    let mut victim = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", "deaths::serve_until_killed", "--nocapture"])
        .env(VICTIM, "yes")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs here already");
    let output = BufReader::new(victim.stdout.take().expect("it is piped"));
    let served = tokio::task::spawn_blocking(move || {
        let mut lines = output.lines().map_while(Result::ok);
        lines.find_map(|line| Some(line.split_once("serves ")?.1.to_owned()))
    });
    let served = served.await.expect("no panic").expect("it says where");
    let (addr, directory) = served.split_once(' ').expect("two words");
    let addr: SocketAddr = addr.parse().expect("an address");
    assert!(!is_refused(addr).await);
    victim.kill().expect("it is ours");
    victim.wait().expect("it is ours");
    until("the server is gone with its directory", || async {
        (is_refused(addr).await && !Path::new(directory).exists()).then_some(())
    })
    .await;
}

/// Serves in a process of its own, for the test above; on its own it does nothing.
#[tokio::test]
async fn serve_until_killed() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let server = RedisServer::start().await;
    println!("serves {} {}", server.addr(), directory(&server).await);
    std::future::pending::<()>().await;
}

async fn directory(server: &RedisServer) -> String {
    let config: Vec<String> = server.query(&["CONFIG", "GET", "dir"]).await;
    config[1].clone()
}
