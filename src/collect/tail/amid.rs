//! What happens to a file just while it is read, for tests.

use std::cell::RefCell;

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::collect) enum Moment {
    /// It is known that there is something to read.
    BeforeBytes,
    /// The bytes have been read, and nobody knows yet whether they are those of the same file.
    AfterBytes,
    /// They have been taken for its own.
    AfterRead,
}

impl Moment {
    pub(in crate::collect) const ALL: [Moment; 3] =
        [Moment::BeforeBytes, Moment::AfterBytes, Moment::AfterRead];
}

type Work = Box<dyn FnOnce()>;

thread_local! {
    static NEXT: RefCell<Option<(Moment, Work)>> = const { RefCell::new(None) };
}

/// Has that happen at that moment of the next read in this thread that finds something.
pub(in crate::collect) fn the_next_read(moment: Moment, work: impl FnOnce() + 'static) {
    NEXT.set(Some((moment, Box::new(work))));
}

/// Has it not happen any more. True when it has not happened yet.
pub(in crate::collect) fn forget() -> bool {
    NEXT.take().is_some()
}

/// It is that moment.
pub(super) fn reached(moment: Moment) {
    let work = NEXT.with_borrow_mut(|next| next.take_if(|(at, _)| *at == moment));
    if let Some((_, work)) = work {
        work();
    }
}
