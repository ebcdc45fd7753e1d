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
fn in_turn<T, R>(items: &[T], work: impl Fn(&T) -> Result<R>, mut deliver: impl FnMut(R)) -> Result<()> {
    for item in items {
        deliver(work(item)?);
    }
    Ok(())
}

/// The same with as many `items` at a time as the rayon pool that it is called in has threads; results still come in
/// order. Inside `work` the pool has one thread.
///
/// # Errors
/// An error of `work`; what was begun by then is finished, but not handed out.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
    mut deliver: impl FnMut(R),
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
        let outcome = hand_out(&receiver, &mut deliver);
        next.store(items.len(), Ordering::Relaxed);
        outcome
    })
}

/// Runs `work` in a pool of one thread; without such a pool if there can be none.
fn alone(work: impl FnOnce() + Send) {
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Works on one item after the other until there are none, or nobody listens.
fn take_turns<T, R>(
    items: &[T],
    next: &AtomicUsize,
    work: &impl Fn(&T) -> Result<R>,
    sender: &mpsc::Sender<(usize, Result<R>)>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(item) = items.get(index) else { return };
        if sender.send((index, work(item))).is_err() {
            return;
        }
    }
}

/// Delivers results in the order of their items.
fn hand_out<R>(receiver: &mpsc::Receiver<(usize, Result<R>)>, deliver: &mut impl FnMut(R)) -> Result<()> {
    let (mut early, mut due) = (BTreeMap::new(), 0);
    for (index, result) in receiver {
        early.insert(index, result?);
        while let Some(result) = early.remove(&due) {
            deliver(result);
            due += 1;
        }
    }
    if early.is_empty() { Ok(()) } else { Err(Error::Model("a batch was lost".to_owned())) }
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
        let work = |&item: &u64| {
            thread::sleep(std::time::Duration::from_micros((item * 7919) % 300));
            Ok((item, rayon::current_num_threads()))
        };
        let mut seen = Vec::new();
        pool(4).install(|| side_by_side(&items, work, |result| seen.push(result))).unwrap();
        assert_eq!(seen, items.iter().map(|&item| (item, 1)).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_the_work() {
        let items: Vec<usize> = (0..10_000).collect();
        let done = AtomicUsize::new(0);
        let work = |&item: &usize| {
            done.fetch_add(1, Ordering::Relaxed);
            if item == 5 { Err(Error::Cancelled) } else { Ok(item) }
        };
        let mut delivered = 0;
        let outcome = pool(3).install(|| side_by_side(&items, work, |_| delivered += 1));
        assert!(matches!(outcome, Err(Error::Cancelled)));
        assert!(delivered <= 5, "{delivered}");
    }
}
