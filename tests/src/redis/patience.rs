use std::time::{Duration, Instant};

/// How long a condition may take on a machine that is busy with other things.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer.
///
/// # Panics
/// After a minute, with what it waited for.
pub async fn until<T, F>(what: &str, mut attempt: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = attempt().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited a minute in vain until {what}");
        tokio::time::sleep(POLL).await;
    }
}
