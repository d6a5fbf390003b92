//! A set of frames of one segment.

/// Frames by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSet(Vec<u64>);

impl FrameSet {
    /// All of `count` frames.
    pub fn all(count: usize) -> FrameSet {
        let mut set = FrameSet::none(count);
        (0..count).for_each(|frame| set.insert(frame));
        set
    }

    /// None of `count` frames.
    pub fn none(count: usize) -> FrameSet {
        FrameSet(vec![0; count.div_ceil(64)])
    }

    /// Adds a frame; one beyond the count is left out.
    pub fn insert(&mut self, frame: usize) {
        if let Some(word) = self.0.get_mut(frame / 64) {
            *word |= 1 << (frame % 64);
        }
    }

    /// Whether the frame is in it.
    pub fn contains(&self, frame: usize) -> bool {
        self.0.get(frame / 64).is_some_and(|word| word & 1 << (frame % 64) != 0)
    }

    /// Whether no frame is in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Leaves what is in both.
    pub fn keep(&mut self, other: &FrameSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    /// Adds what is in the other.
    pub fn join(&mut self, other: &FrameSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// From a bit for each frame, the lowest first.
    pub(super) fn from_bits(bits: &[u8], count: usize) -> FrameSet {
        let mut set = FrameSet::none(count);
        for (word, bytes) in set.0.iter_mut().zip(bits.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(whole);
        }
        set
    }
}
