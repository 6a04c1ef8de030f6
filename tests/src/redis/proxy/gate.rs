use super::super::patience::until;
use super::relay::relay;
use super::{Shared, Traffic};
use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Accepts connections while they are not refused; they end with this.
pub(super) async fn keep(listener: TcpListener, addr: SocketAddr, shared: Arc<Shared>) {
    let mut state = shared.state.subscribe();
    let mut relays = JoinSet::new();
    let mut listener = Some(listener);
    loop {
        let now = *state.borrow_and_update();
        if now.traffic == Traffic::Refused {
            listener = None;
        } else if listener.is_none() {
            listener = Some(listen_again(addr).await);
        }
        shared.is_listening.send_replace(listener.is_some());
        tokio::select! {
            biased;
            _ = state.changed() => {}
            Some(_) = relays.join_next() => {}
            Ok(client) = accept(listener.as_ref()) => {
                shared.meter.accept();
                relays.spawn(relay(client, now.cuts, Arc::clone(&shared)));
            }
        }
    }
}

async fn listen_again(addr: SocketAddr) -> TcpListener {
    until("a proxy's port is free again", || async {
        TcpListener::bind(addr).await.ok()
    })
    .await
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => future::pending().await,
    }
}
