//! Opening files: of other versions, of other programs, beside other processes.

use super::disk::Disk;
use super::*;

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toys.redb");
    (folder, path)
}

fn open_file(path: &Path) -> Result<Toys, StoreError> {
    open(Location::File(path.to_owned()))
}

fn open_at(disk: &Disk, steps: &'static [Step]) -> Result<Toys, StoreError> {
    Store::open(on(disk), CACHE, &Schema { steps }, apply, Box::new(|_| Ok(())))
}

fn bump(tx: &mut WriteTx<'_>, name: &str) -> Result<(), StoreError> {
    tx.update(&name.to_owned(), |count: &mut Count| count.0 += 1)
}

const FIRST: Step = |tx| bump(tx, "first");
const SECOND: Step = |tx| bump(tx, "second");
const BROKEN: Step = |tx| {
    bump(tx, "broken")?;
    Err(StoreError::Io("a test wants this failure".into()))
};

fn counts(store: &Toys) -> Vec<(String, u64)> {
    let tx = store.begin_read().unwrap();
    tx.all::<Count>().unwrap().map(Result::unwrap).map(|(name, count)| (name, count.0)).collect()
}

#[test]
fn a_new_file_needs_no_steps_and_an_older_one_takes_each_once_in_order() {
    let disk = Disk::default();
    drop(open_at(&disk, &[]).unwrap());
    for _ in 0..2 {
        let store = open_at(&disk, &[FIRST, SECOND]).unwrap();
        assert_eq!(counts(&store), [("first".to_owned(), 1), ("second".to_owned(), 1)]);
    }
    let store = open_at(&Disk::default(), &[FIRST, SECOND]).unwrap();
    assert_eq!(counts(&store), []);
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    let disk = Disk::default();
    drop(open_at(&disk, &[]).unwrap());
    assert!(matches!(open_at(&disk, &[FIRST, BROKEN]), Err(StoreError::Io(_))));
    assert_eq!(counts(&open_at(&disk, &[]).unwrap()), []);
}

#[test]
fn a_newer_file_is_refused_and_not_touched() {
    let (_folder, path) = file();
    let schema = Schema { steps: &[FIRST, SECOND] };
    drop(Store::open(Location::File(path.clone()), CACHE, &schema, apply, Box::new(|_| Ok(()))).unwrap());
    assert!(matches!(open_file(&path), Err(StoreError::TooNew { found: 3, known: 1 })));
    let read_only = Toys::open_read_only(&path, CACHE, &PLAIN);
    assert!(matches!(read_only, Err(StoreError::TooNew { found: 3, known: 1 })));
    assert!(Toys::open_read_only(&path, CACHE, &schema).is_ok());
}

#[test]
fn an_older_file_is_read_once_a_writer_has_raised_it() {
    // A check of such a file would take every table that it does not have yet for damaged.
    let (_folder, path) = file();
    drop(open_file(&path).unwrap());
    let schema = Schema { steps: &[FIRST] };
    let read = || Toys::open_read_only(&path, CACHE, &schema).map(|store| counts(&store));
    assert!(matches!(read(), Err(StoreError::TooOld { found: 1, known: 2 })));
    drop(Store::open(Location::File(path.clone()), CACHE, &schema, apply, Box::new(|_| Ok(()))).unwrap());
    assert_eq!(read().unwrap(), [("first".to_owned(), 1)]);
}

/// What a first release kept in the table of [`Line2`].
#[derive(Clone, Encode, Decode)]
struct Line1(u32);

impl Value for Line1 {
    const TABLE: TableName = "versioned";
    type Key = u64;
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
struct Line2(String);

impl Value for Line2 {
    const TABLE: TableName = "versioned";
    const VERSION: u8 = 2;
    type Key = u64;

    fn decode_older(version: u8, body: &[u8]) -> Result<Self, codec::CodecError> {
        match version {
            1 => Ok(Self(codec::decode_body::<Line1>(body)?.0.to_string())),
            other => Err(codec::CodecError(format!("unknown version {other}"))),
        }
    }
}

#[test]
fn values_of_an_older_version_are_read_and_others_are_damage() {
    let scratch = Scratch::filled(|tx| {
        tx.set(&1, &Line1(7))?;
        tx.set(&2, &Line2("eight".into()))
    })
    .unwrap();
    let tx = scratch.begin_read().unwrap();
    assert_eq!(tx.get::<Line2>(&1).unwrap(), Some(Line2("7".into())));
    assert_eq!(tx.get::<Line2>(&2).unwrap(), Some(Line2("eight".into())));
    // The first release, given what the second wrote.
    assert!(matches!(tx.get::<Line1>(&2), Err(StoreError::Corrupt(_))));
    for damaged in [&[][..], &[0], &[3, 1], &[2, 200]] {
        assert!(Line2::from_stored(damaged).is_err(), "{damaged:?}");
    }
}

#[test]
fn a_file_has_one_writer() {
    let (_folder, path) = file();
    let store = open_file(&path).unwrap();
    assert!(matches!(open_file(&path), Err(StoreError::Locked)));
    submit(&store, Op::Bump("a".into(), 1)).unwrap();
    drop(store);
    assert_eq!(counts(&open_file(&path).unwrap()), [("a".to_owned(), 1)]);
}

#[test]
fn readers_beside_the_writer_see_each_commit_and_write_nothing() {
    let (_folder, path) = file();
    let store = open_file(&path).unwrap();
    let reader = Toys::open_read_only(&path, CACHE, &PLAIN).unwrap();
    let snapshot = reader.begin_read().unwrap();
    for n in 1..4 {
        submit(&store, Op::Bump("a".into(), 1)).unwrap();
        assert_eq!(counts(&reader), [("a".to_owned(), n)]);
    }
    assert!(snapshot.all::<Count>().unwrap().next().is_none(), "a snapshot moved");
    assert!(matches!(submit(&reader, Op::All), Err(StoreError::Unavailable(_))));
    drop((snapshot, reader));
    assert_eq!(submit(&store, Op::Bump("a".into(), 1)).unwrap(), Seen::Number(4));
}

#[test]
fn what_is_no_data_file_is_refused_and_left_alone() {
    let (folder, path) = file();
    assert!(Toys::open_read_only(&path, CACHE, &PLAIN).is_err());
    assert!(!path.exists(), "reading made a file");
    let garbage = "no database ".repeat(2000);
    std::fs::write(&path, &garbage).unwrap();
    assert!(matches!(open_file(&path), Err(StoreError::Corrupt(_))));
    assert!(matches!(Toys::open_read_only(&path, CACHE, &PLAIN), Err(StoreError::Corrupt(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), garbage);
    assert!(matches!(open_file(folder.path()), Err(StoreError::Io(_))), "a folder");
    assert!(matches!(open_file(&path.join("below")), Err(StoreError::Io(_))), "below a file");
}

#[test]
fn a_database_of_another_program_is_refused_and_not_touched() {
    // Any redb file was taken for an empty one of ours, and our tables were written beside its own.
    let (_folder, path) = file();
    let theirs = redb::TableDefinition::<u64, u64>::new("theirs");
    let database = redb::Database::create(&path).unwrap();
    let txn = database.begin_write().unwrap();
    txn.open_table(theirs).unwrap().insert(1, 2).unwrap();
    txn.commit().unwrap();
    drop(database);
    assert!(matches!(open_file(&path), Err(StoreError::Corrupt(_))));
    assert!(matches!(Toys::open_read_only(&path, CACHE, &PLAIN), Err(StoreError::Corrupt(_))));
}

/// The files in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_that_is_raised_is_kept_as_it_was() {
    let (folder, path) = file();
    let raise = |path: &Path, steps| {
        Store::open(Location::File(path.to_owned()), CACHE, &Schema { steps }, apply, Box::new(|_| Ok(())))
    };
    let older = path.with_file_name("toys.redb.schema-1");
    // One that is new, or as it is to be, is not; nor is there a copy of one that could not be raised.
    for _ in 0..2 {
        drop(raise(&path, &[]).unwrap());
        assert!(matches!(raise(&path, &[FIRST, BROKEN]), Err(StoreError::Io(_))));
        assert_eq!(names(folder.path()), ["toys.redb"]);
    }
    for _ in 0..2 {
        assert_eq!(counts(&raise(&path, &[FIRST]).unwrap()), [("first".to_owned(), 1)]);
        assert_eq!(names(folder.path()), ["toys.redb", "toys.redb.schema-1"]);
    }
    // The older program can still use it, and no later copy takes its place.
    std::fs::copy(&older, &path).unwrap();
    assert_eq!(counts(&raise(&path, &[]).unwrap()), []);
    drop(raise(&path, &[FIRST]).unwrap());
    assert_eq!(names(folder.path()), ["toys.redb", "toys.redb.schema-1", "toys.redb.schema-1-2"]);
}

#[test]
fn a_file_that_cannot_be_kept_is_not_raised() {
    let (folder, path) = file();
    drop(open_file(&path).unwrap());
    // A folder stands where the copy is made.
    std::fs::create_dir(path.with_file_name("toys.redb.schema-1.partial")).unwrap();
    let schema = Schema { steps: &[FIRST] };
    let opened = Store::open(Location::File(path.clone()), CACHE, &schema, apply, Box::new(|_| Ok(())));
    let Err(StoreError::Refused(why)) = opened else { panic!("it was raised") };
    assert!(why.contains("toys.redb.schema-1 before it is raised"), "{why}");
    assert_eq!(names(folder.path()), ["toys.redb", "toys.redb.schema-1.partial"]);
    drop(open_file(&path).unwrap());
}
