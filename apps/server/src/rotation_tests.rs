//! A rotation that is broken off at every step, under a root of trust that is no file: a second kind, as a device would be.

use crate::data_dir::DataDir;
use base::{AccountId, Clock, Random, Timestamp};
use envelope::{EnvelopeFault, Key256, RootKey, RootOfTrust, WrappedKey};
use gateway::{
    ServiceCaller, Settings, World,
    ports::Worker,
    rotation::{self, Rotate, SealedRows},
    work::Work,
};
use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};
use store::Maintenance;
use wire::ServiceName;

const ACCOUNT: AccountId = AccountId::FIRST;
const ROW: &[u8] = b"test/row";
const TABLE: SealedRows = SealedRows {
    prefix: "test/",
    renew: |renewal, key, row| renewal.sealed(ACCOUNT, key, row),
};

/// What survives: the keys in the device, by number, and which are still good.
#[derive(Default)]
struct Hardware {
    keys: Mutex<Vec<Option<RootKey>>>,
}

/// A device whose wrapped keys are its own: `2 | number of the key | …`. Answers so many times, and then no more.
struct Device {
    hardware: Arc<Hardware>,
    answers: AtomicU32,
}

impl Device {
    fn of(hardware: &Arc<Hardware>, answers: u32) -> Arc<Device> {
        Arc::new(Device {
            hardware: Arc::clone(hardware),
            answers: AtomicU32::new(answers),
        })
    }

    fn keys(&self) -> Result<MutexGuard<'_, Vec<Option<RootKey>>>, EnvelopeFault> {
        let left = self
            .answers
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map_err(|_| EnvelopeFault::RootUnavailable("unplugged"))?;
        Ok(self.all())
    }

    fn all(&self) -> MutexGuard<'_, Vec<Option<RootKey>>> {
        self.hardware.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RootOfTrust for Device {
    fn wrap(&self, key: &Key256, purpose: &str, random: &Random) -> Result<WrappedKey, EnvelopeFault> {
        let keys = self.keys()?;
        let wrapped = keys.last().unwrap().as_ref().unwrap().wrap(key, purpose, random)?;
        let number = u8::try_from(keys.len() - 1).unwrap();
        Ok(WrappedKey::from_bytes([&[2, number], wrapped.as_bytes()].concat()))
    }

    fn unwrap(&self, wrapped: &WrappedKey, purpose: &str) -> Result<Key256, EnvelopeFault> {
        let keys = self.keys()?;
        let [2, number, rest @ ..] = wrapped.as_bytes() else {
            return Err(EnvelopeFault::Malformed);
        };
        let key = keys.get(usize::from(*number)).and_then(Option::as_ref);
        let key = key.ok_or(EnvelopeFault::WrappedUnderAnotherKey)?;
        key.unwrap(&WrappedKey::from_bytes(rest.to_vec()), purpose)
    }

    fn is_current(&self, wrapped: &WrappedKey) -> bool {
        wrapped.as_bytes().get(1).map(|number| usize::from(*number) + 1) == Some(self.all().len())
    }

    fn renew(&self, random: &Random) -> Result<(), EnvelopeFault> {
        let mut keys = self.keys()?;
        if keys.iter().flatten().count() == 1 {
            keys.push(Some(RootKey::generate(random)));
        }
        Ok(())
    }

    fn is_renewing(&self) -> bool {
        self.all().iter().flatten().count() > 1
    }

    fn retire(&self) -> Result<(), EnvelopeFault> {
        let mut keys = self.keys()?;
        let last = keys.len() - 1;
        keys.iter_mut().take(last).for_each(|key| *key = None);
        Ok(())
    }
}

/// One life of a process on the directory.
struct Life {
    world: Arc<World>,
    rotate: Rotate,
}

impl Life {
    fn begin(path: &Path, device: Arc<Device>) -> anyhow::Result<Life> {
        let (random, clock) = (Random::os(), Clock::manual(Timestamp::from_secs(1_000)));
        let dir = DataDir::open_with(path, &random, |_| Ok(device))?;
        let store = dir.open_store(&clock)?;
        let rotate = Rotate::new(vec![dir.under_root()], [&TABLE]);
        let world = Arc::new(World::new(store, clock, random, Settings::standard(), dir.root()));
        Ok(Life { world, rotate })
    }

    fn work(&self) -> Work {
        let caller = ServiceCaller {
            name: "test",
            source_arn: None,
            source_account: ACCOUNT,
        };
        Work::begin(
            &self.world,
            ServiceName::Shoseki,
            caller,
            self.world.settings.region.clone(),
        )
    }

    async fn seal(&self) {
        let mut work = self.work();
        let (ctx, txn) = work.parts();
        let keyring = ctx.world().keyrings.create(txn, ACCOUNT, ctx.random()).await.unwrap();
        txn.put(ROW, keyring.seal(ROW, b"secret", ctx.random()));
        work.commit(Maintenance::Bootstrap).await.unwrap();
    }

    async fn opens(&self) -> bool {
        let snapshot = self.world.snapshot();
        let view = snapshot.view();
        let keyring = self.world.keyrings.of(&view, ACCOUNT).await.unwrap();
        let row = view.get(ROW).await.unwrap().unwrap();
        keyring.open(ROW, &row).as_deref() == Ok(b"secret")
    }

    /// Rotates to the end, and says how often.
    async fn rotate(&self, keyrings: bool) -> Result<u64, base::Fault> {
        rotation::begin(&self.world, keyrings).await?;
        self.go_on().await
    }

    async fn go_on(&self) -> Result<u64, base::Fault> {
        while self.rotate.next_due(&self.world).await?.is_some() {
            self.rotate.tick(&self.world, self.world.clock.now()).await?;
        }
        let snapshot = self.world.snapshot();
        Ok(rotation::state(&snapshot.view()).await?.number)
    }
}

#[tokio::test]
async fn a_rotation_that_is_broken_off_at_any_step_leaves_what_opens_and_can_be_finished() {
    for keyrings in [true, false] {
        let mut broken = 0;
        for answers in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let hardware = Arc::new(Hardware::default());
            let keys = vec![Some(RootKey::generate(&Random::os()))];
            *hardware.keys.lock().unwrap() = keys;
            let device = Device::of(&hardware, u32::MAX);
            let first = Life::begin(dir.path(), Arc::clone(&device)).unwrap();
            first.seal().await;
            assert!(first.opens().await);
            device.answers.store(answers, Ordering::SeqCst);
            let done = first.rotate(keyrings).await;
            drop(first);

            let second = Life::begin(dir.path(), Device::of(&hardware, u32::MAX)).unwrap();
            assert!(second.opens().await, "{keyrings} {answers}");
            let number = second.go_on().await.unwrap();
            assert!(second.opens().await, "{keyrings} {answers}");
            assert!(number <= 1 && (done.is_err() || number == 1));
            let good = hardware.keys.lock().unwrap().iter().flatten().count();
            assert_eq!(good, 1, "{keyrings} {answers}");
            assert_eq!(second.rotate(keyrings).await.unwrap(), number + 1);
            assert!(second.opens().await);
            match done {
                Err(_) => broken += 1,
                Ok(_) => break,
            }
        }
        assert!(broken >= 4, "the device answered {broken} times only");
    }
}
