//! Something that is done beside the present link, at most one at a time, and what came of it.

use tokio::task::JoinSet;

pub(super) struct Beside<T> {
    task: JoinSet<T>,
    done: Option<T>,
}

impl<T: Send + 'static> Beside<T> {
    pub(super) fn none() -> Beside<T> {
        Beside { task: JoinSet::new(), done: None }
    }

    pub(super) fn begin(&mut self, work: impl Future<Output = T> + Send + 'static) {
        self.task.spawn(work);
    }

    pub(super) fn is_under_way(&self) -> bool {
        !self.task.is_empty()
    }

    /// Waits for its end; for ever when there is none. May be dropped and called again.
    pub(super) async fn over(&mut self) {
        match self.task.join_next().await {
            // Nothing came of one that panicked.
            Some(done) => self.done = done.ok(),
            None => std::future::pending().await,
        }
    }

    /// What came of it, once.
    pub(super) fn take(&mut self) -> Option<T> {
        if let Some(done) = self.task.try_join_next() {
            self.done = done.ok();
        }
        self.done.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_of_it_is_there_once_and_nothing_of_what_panicked() {
        let mut beside = Beside::none();
        assert_eq!((beside.is_under_way(), beside.take()), (false, None));
        for expected in [Some(7), None] {
            beside.begin(async move { expected.unwrap() });
            assert!(beside.is_under_way());
            beside.over().await;
            assert!(!beside.is_under_way());
            assert_eq!([beside.take(), beside.take()], [expected, None]);
        }
    }
}
