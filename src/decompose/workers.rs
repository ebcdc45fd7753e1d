//! Batches side by side, one thread each: on a CPU that keeps every core busy in products and between them alike, and
//! what a batch works on stays in its core's cache.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use crate::{
    error::{Error, Result},
    model::Decoder,
};

/// What a piece of work says on its way; an error if nobody listens any more.
pub(crate) type Say<'a, R> = &'a mut dyn FnMut(R) -> Result<()>;

/// Does `work` on `items`, batches for `decoder`, in the way that keeps this machine busiest; hands out what comes of them in
/// order.
///
/// # Errors
/// The first error of `work` that is met.
pub(crate) fn arranged<T: Sync, R: Send>(
    decoder: &Decoder,
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
    deliver: impl FnMut(R),
) -> Result<()> {
    let mut order = InOrder::new(deliver);
    as_they_come(decoder, items, |item, say| say(work(item)?), |index, result| order.take(index, result))?;
    order.finish(items.len())
}

/// The same where an item has more than one result; hands out what comes of them as it comes, with the place of its item.
/// Results of one item come in order.
///
/// # Errors
/// The first error of `work` that is met.
pub(crate) fn as_they_come<T: Sync, R: Send>(
    decoder: &Decoder,
    items: &[T],
    work: impl Fn(&T, Say<'_, R>) -> Result<()> + Sync,
    deliver: impl FnMut(usize, R),
) -> Result<()> {
    if count(decoder) == 1 { in_turn(items, work, deliver) } else { side_by_side(items, work, deliver) }
}

/// How many batches for `decoder` are worked on at a time.
pub(crate) fn count(decoder: &Decoder) -> usize {
    if decoder.prefers_one_batch() { 1 } else { rayon::current_num_threads() }
}

/// Does `work` on `items` one after the other and hands out what comes of them.
///
/// # Errors
/// The first error of `work`.
fn in_turn<T, R>(
    items: &[T],
    work: impl Fn(&T, Say<'_, R>) -> Result<()>,
    mut deliver: impl FnMut(usize, R),
) -> Result<()> {
    for (index, item) in items.iter().enumerate() {
        work(item, &mut |result| {
            deliver(index, result);
            Ok(())
        })?;
    }
    Ok(())
}

/// The same with as many `items` at a time as the rayon pool that it is called in has threads. Inside `work` the pool has
/// one thread.
///
/// # Errors
/// An error of `work`; what was begun by then ends at its next result.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T, Say<'_, R>) -> Result<()> + Sync,
    mut deliver: impl FnMut(usize, R),
) -> Result<()> {
    let workers = rayon::current_num_threads().min(items.len());
    if workers <= 1 {
        return in_turn(items, work, deliver);
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..workers {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || alone(|| take_turns(items, next, work, &sender)));
        }
        drop(sender);
        let mut results = receiver.into_iter();
        results.try_for_each(|result| result.map(|(index, result)| deliver(index, result)))
    })
}

/// Runs `work` in a pool of one thread; without such a pool if there can be none.
pub(crate) fn alone<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Works on one item after the other until there are none, one fails, or nobody listens.
fn take_turns<T, R>(
    items: &[T],
    next: &AtomicUsize,
    work: &impl Fn(&T, Say<'_, R>) -> Result<()>,
    sender: &mpsc::Sender<Result<(usize, R)>>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(item) = items.get(index) else { return };
        let mut say = |result| sender.send(Ok((index, result))).map_err(|_| Error::Cancelled);
        if let Err(error) = work(item, &mut say) {
            next.store(items.len(), Ordering::Relaxed);
            drop(sender.send(Err(error)));
            return;
        }
    }
}

/// Hands out results in the order of their items.
struct InOrder<R, F> {
    early: BTreeMap<usize, R>,
    due: usize,
    deliver: F,
}

impl<R, F: FnMut(R)> InOrder<R, F> {
    const fn new(deliver: F) -> Self {
        Self { early: BTreeMap::new(), due: 0, deliver }
    }

    fn take(&mut self, index: usize, result: R) {
        self.early.insert(index, result);
        while let Some(result) = self.early.remove(&self.due) {
            (self.deliver)(result);
            self.due += 1;
        }
    }

    fn finish(self, items: usize) -> Result<()> {
        if self.due == items { Ok(()) } else { Err(Error::Model("a batch was lost".to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn results_come_in_order_and_work_is_alone_in_its_pool() {
        let items: Vec<u64> = (0..40).collect();
        let work = |&item: &u64, say: Say<'_, _>| {
            thread::sleep(std::time::Duration::from_micros((item * 7919) % 300));
            say((item, rayon::current_num_threads()))
        };
        let mut seen = Vec::new();
        let mut order = InOrder::new(|result| seen.push(result));
        pool(4).install(|| side_by_side(&items, work, |index, result| order.take(index, result))).unwrap();
        order.finish(items.len()).unwrap();
        assert_eq!(seen, items.iter().map(|&item| (item, 1)).collect::<Vec<_>>());
    }

    #[test]
    fn an_item_says_several_things_one_after_the_other() {
        let items = [3, 0, 5, 1];
        for threads in [1, 3] {
            let mut said = vec![Vec::new(); items.len()];
            let work = |&count: &usize, say: Say<'_, _>| (0..count).try_for_each(say);
            pool(threads).install(|| side_by_side(&items, work, |index, result| said[index].push(result))).unwrap();
            assert_eq!(said, items.map(|count| (0..count).collect::<Vec<_>>()), "{threads} threads");
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let items: Vec<usize> = (0..10_000).collect();
        let work = |&item: &usize, say: Say<'_, usize>| if item == 5 { Err(Error::Cancelled) } else { say(item) };
        let mut delivered = 0;
        let mut order = InOrder::new(|_| delivered += 1);
        let outcome = pool(3).install(|| side_by_side(&items, work, |index, result| order.take(index, result)));
        assert!(matches!(outcome, Err(Error::Cancelled)));
        assert!(order.finish(items.len()).is_err());
        assert!(delivered <= 5, "{delivered}");
    }
}
