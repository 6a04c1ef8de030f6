use super::writer::{Chunk, Closed, Way, Writer};
use super::{Shared, State, Traffic};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How many chunks may be on their way before the sender has to wait.
const QUEUE: usize = 1024;

/// How many bytes are read at once.
const CHUNK: usize = 16 * 1024;

/// Serves one connection until either side closes it or all are cut; dropping both sides closes
/// them.
pub(super) async fn relay(client: TcpStream, cuts: u64, shared: Arc<Shared>) {
    let open = Open(Arc::clone(&shared));
    let mut state = shared.state.subscribe();
    tokio::select! {
        biased;
        _ = state.wait_for(|state| state.cuts != cuts) => {}
        _ = serve(client, open, &shared) => {}
    }
}

/// Counts a connection as open while the client holds it.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.meter.close();
    }
}

async fn serve(mut client: TcpStream, open: Open, shared: &Shared) -> Result<(), Closed> {
    let mut state = shared.state.subscribe();
    while state.borrow_and_update().traffic == Traffic::Stalled {
        state.changed().await.map_err(|_| Closed)?;
    }
    if state.borrow().traffic == Traffic::Swallowed {
        return swallow(&mut client, state).await;
    }
    let server = TcpStream::connect(shared.target).await;
    let server = server.map_err(|_| Closed)?;
    for side in [&client, &server] {
        // A small answer would wait for more, and pass for a slow one.
        side.set_nodelay(true).map_err(|_| Closed)?;
    }
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let is_asked = AtomicBool::new(false);
    let count_request = |bytes| {
        is_asked.store(true, Ordering::SeqCst);
        shared.meter.request(bytes);
    };
    let count_reply = |bytes| {
        let ends_round_trip = is_asked.swap(false, Ordering::SeqCst);
        shared.meter.reply(bytes, ends_round_trip);
    };
    let there = Writer::new(Way::There, server_write, shared.state.subscribe());
    let back = Writer::new(Way::Back, client_write, shared.state.subscribe());
    tokio::try_join!(
        carry(client_read, there, count_request, Some(open)),
        carry(server_read, back, count_reply, None),
    )?;
    Ok(())
}

/// Reads from a client that is connected with nobody, until traffic is switched.
async fn swallow(client: &mut TcpStream, mut state: watch::Receiver<State>) -> Result<(), Closed> {
    let mut lost = vec![0; CHUNK];
    loop {
        tokio::select! {
            biased;
            _ = state.changed() => return Err(Closed),
            read = client.read(&mut lost) => {
                if !matches!(read, Ok(1..)) {
                    return Err(Closed);
                }
            }
        }
    }
}

/// Brings everything from one side to the other.
async fn carry(
    from: OwnedReadHalf,
    to: Writer,
    count: impl Fn(usize),
    open: Option<Open>,
) -> Result<(), Closed> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let read = async {
        read(from, sender, count).await;
        drop(open);
        Ok(())
    };
    tokio::try_join!(read, to.run(receiver))?;
    Ok(())
}

/// Takes what one side sends until it ends, or breaks.
async fn read(mut from: OwnedReadHalf, queue: mpsc::Sender<Chunk>, count: impl Fn(usize)) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        // Counted before it is sent on: nobody has an answer that is not counted yet.
        count(length);
        let chunk = Chunk {
            bytes: buffer[..length].to_vec(),
            read_at: Instant::now(),
        };
        if queue.send(chunk).await.is_err() {
            return;
        }
    }
}
