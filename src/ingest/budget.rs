//! The bound, in bytes, on what all requests together may hold between socket and disk.
//!
//! A request acquires before it reads and waits its turn, in order of arrival; its permit travels with
//! the batch and ends with the commit. So a slow disk slows senders down, and only a wait past
//! the limit is refused: most shippers lose what is refused.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that may be held. Clones share them.
#[derive(Clone, Debug)]
pub struct Budget {
    bytes_left: Arc<Semaphore>,
    bytes_max: u32,
    wait: Duration,
}

/// The wait for bytes took too long: to be answered with 429.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting to be written: send it again in a moment")]
pub struct Busy;

/// Bytes that were granted. They return when it is dropped.
#[derive(Debug)]
pub struct Permit(OwnedSemaphorePermit);

impl Budget {
    /// A budget of so many bytes; an acquirer waits at most `wait`.
    #[must_use]
    pub fn new(bytes_max: usize, wait: Duration) -> Self {
        let bytes_max = u32::try_from(bytes_max).unwrap_or(u32::MAX);
        let permits = (bytes_max as usize).min(Semaphore::MAX_PERMITS);
        Self { bytes_left: Arc::new(Semaphore::new(permits)), bytes_max, wait }
    }

    /// Waits for so many bytes. More than the whole budget is granted as the whole: such a request
    /// goes alone. Whoever holds a permit and waits for another may wait for somebody who does the
    /// same; the bound on the wait ends that, but better acquire once.
    pub async fn acquire(&self, bytes: usize) -> Result<Permit, Busy> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max);
        let granted = Arc::clone(&self.bytes_left).acquire_many_owned(bytes);
        match tokio::time::timeout(self.wait, granted).await {
            Ok(Ok(permit)) => Ok(Permit(permit)),
            // The semaphore is never closed; a wait that ended in vain is busy either way.
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }

    /// Bytes that are free now.
    #[must_use]
    pub fn bytes_left(&self) -> usize {
        self.bytes_left.available_permits()
    }

    /// Bytes that are held now.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        (self.bytes_max as usize).saturating_sub(self.bytes_left())
    }
}

impl Permit {
    /// Bytes granted.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.num_permits()
    }

    /// Takes a part out, for instance for one batch of several; `None` when there is not so much.
    #[must_use]
    pub fn split(&mut self, bytes: usize) -> Option<Self> {
        self.0.split(bytes).map(Self)
    }

    /// Puts another permit of the same budget in, so that both end together.
    pub fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn who_waits_too_long_is_told_that_it_is_busy_and_what_ends_comes_back() {
        block_on(async {
            let budget = Budget::new(100, Duration::from_millis(20));
            let held = budget.acquire(60).await.unwrap();
            assert_eq!((budget.bytes_left(), budget.bytes_held()), (40, 60));
            assert_eq!(budget.acquire(41).await.err(), Some(Busy));
            drop(held);
            assert_eq!(budget.acquire(41).await.unwrap().bytes(), 41);
            assert_eq!(budget.bytes_left(), 100);
        });
    }

    #[test]
    fn a_wait_ends_when_another_permit_does() {
        block_on(async {
            let budget = Budget::new(100, Duration::from_secs(10));
            let held = budget.acquire(100).await.unwrap();
            let waiting = tokio::spawn({
                let budget = budget.clone();
                async move { budget.acquire(50).await.map(|permit| permit.bytes()) }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            drop(held);
            assert_eq!(waiting.await.unwrap(), Ok(50));
        });
    }

    #[test]
    fn more_than_there_is_goes_alone_and_permits_can_be_parted() {
        block_on(async {
            let budget = Budget::new(100, Duration::from_secs(10));
            let mut all = budget.acquire(usize::MAX).await.unwrap();
            assert_eq!(all.bytes(), 100);
            let part = all.split(30).unwrap();
            assert!(all.split(71).is_none());
            drop(all);
            assert_eq!(budget.bytes_left(), 70);
            let mut again = budget.acquire(20).await.unwrap();
            again.merge(part);
            assert_eq!(again.bytes(), 50);
        });
    }
}
