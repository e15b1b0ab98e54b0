use super::*;
use crate::model::user::User;

fn user() -> User {
    User {
        account: AccountId::FIRST,
        name: "Bob".to_owned(),
        path: "/a/".to_owned(),
        id: "AIDAX".to_owned(),
        created: Timestamp::from_secs(7),
        tags: vec![("k".to_owned(), "v".to_owned())],
        boundary: None,
    }
}

#[test]
fn rows_come_back() {
    let user = User {
        boundary: Some("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()),
        ..user()
    };
    assert_eq!(User::decode(&user.encode().unwrap()).unwrap(), user);
    let mut row = PoliciesRow::default();
    row.policies.insert("p".to_owned(), "{}".to_owned());
    let read = PoliciesRow::decode(&row.encode().unwrap()).unwrap();
    assert_eq!(read.policies, row.policies);
    let ids = IdsRow {
        ids: vec!["AKIA".to_owned()],
    };
    assert_eq!(IdsRow::decode(&ids.encode().unwrap()).unwrap().ids, ids.ids);
}

/// Rows as the first release wrote them: version byte, then the fields in order.
#[test]
fn rows_of_the_first_release_are_read() {
    let row = [
        &[1][..],
        &[12],
        b"000000000000",
        &[3],
        b"Bob",
        &[3],
        b"/a/",
        &[5],
        b"AIDAX",
        // 7 seconds in microseconds, zigzag, in groups of seven bits.
        &[0x80, 0xbf, 0xd6, 0x06],
        &[1, 1, b'k', 1, b'v'],
    ]
    .concat();
    assert_eq!(User::decode(&row).unwrap(), user());
    let account = AccountRow::decode(&[1, 0x80, 0xbf, 0xd6, 0x06]).unwrap();
    assert_eq!((account.created, account.name.as_str()), (Timestamp::from_secs(7), ""));
}

#[test]
fn one_name_in_any_case_is_one_key() {
    let account = AccountId::FIRST;
    assert_eq!(named_key("user", account, "Bob"), named_key("user", account, "bOB"));
    assert_ne!(named_key("user", account, "Bob"), named_key("user", account, "Bo"));
    assert_ne!(named_key("user", account, "Bob"), named_key("role", account, "Bob"));
}
