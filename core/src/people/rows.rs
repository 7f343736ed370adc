//! Rows by their keys, packed: `processors/compact/rows.py`, in Rust.
//!
//! A row has a number; the registrations and links of one device, or the consents of one subject,
//! are a chain. What has not the usual form (another key than the office's, another id than its
//! key's, another length of secret) is kept beside its row.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Full;
use super::base64::SECRET_BYTES;
use super::cells::{Cells, NOTHING, Number, get, get_i64, kind_of, put, put_bytes};
use super::names::Names;
use super::row::Row;
use super::row_keys::{CODE_BYTES, ID_CHARS, code_of, id_of};
use super::terms::{Asked, Terms};

const REGISTRATION: usize = 0;
const LINK: usize = 1;
const CONSENT: usize = 2;
/// Stands for an interval without an end.
const OPEN: i64 = i64::MIN;

// Every payload begins with the next row of the owner's chain, the owner, and what is known of
// the row's hash.
const OWNER_AT: usize = 4;
const HASH_AT: usize = 8;
const FROM_AT: usize = 9;
const TO_AT: usize = 17;
const SUBJECT_AT: usize = 25;
const SECRET_AT: usize = 29;
const ROLE_AT: usize = SECRET_AT + SECRET_BYTES;
const TERMS_AT: usize = 25;
/// Of a registration: its service is a term, as what a consent asks is.
const SERVICE_AT: usize = 17;
const KINDS: [(usize, usize); 3] =
    [(CODE_BYTES, SERVICE_AT + 2), (CODE_BYTES, ROLE_AT + 1), (CODE_BYTES, TERMS_AT + 2)];

/// What is known of the hash of a row's key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashed {
    /// None was kept.
    Not,
    /// It is that of the row as it is written here: it takes no room.
    AsWritten,
    /// This one.
    As(u128),
}

/// A key as it was looked up: its code, and the number of its row or NOTHING.
#[derive(Clone, Copy)]
pub struct Found {
    code: Option<[u8; CODE_BYTES]>,
    pub number: Number,
}

/// Rows by number; instants are milliseconds UTC in 64 bits, without the lowest number.
pub struct Rows {
    pub devices: Names,
    pub subjects: Names,
    pub cells: Cells,
    terms: Terms,
    odd_keys: HashMap<Box<[u8]>, Number>,
    odd_ids: HashMap<Number, Box<[u8]>>,
    odd_secrets: HashMap<Number, Box<[u8]>>,
    odd_hashes: HashMap<Number, u128>,
}

impl Rows {
    pub fn new() -> Self {
        Rows {
            devices: Names::new(),
            subjects: Names::new(),
            cells: Cells::new(&KINDS),
            terms: Terms::new(),
            odd_keys: HashMap::new(),
            odd_ids: HashMap::new(),
            odd_secrets: HashMap::new(),
            odd_hashes: HashMap::new(),
        }
    }

    pub fn find(&self, key: &[u8]) -> Found {
        let code = code_of(key);
        let number = match &code {
            Some(code) => self.cells.find(code),
            None => self.odd_keys.get(key).copied().unwrap_or(NOTHING),
        };
        Found { code, number }
    }

    /// Keep a row under a key for which `find` has found none.
    pub fn add(&mut self, key: &[u8], found: Found, row: &Row<'_>) -> Result<Number, Full> {
        let kind = match row {
            Row::Registration { .. } => REGISTRATION,
            Row::Link { .. } => LINK,
            Row::Consent { .. } => CONSENT,
        };
        let number = match &found.code {
            Some(code) => self.cells.add(kind, code)?,
            None => self.cells.add_apart(kind, &[0; CODE_BYTES])?,
        };
        if found.code.is_none() {
            self.odd_keys.insert(key.into(), number);
        }
        match row {
            Row::Registration { device, registered_ms, service } => {
                let owned = self.devices.hold(device, number)?;
                self.write(number, owned, *registered_ms, None);
                let terms = self.terms.number(of_service(*service), number);
                put_bytes(self.cells.payload_mut(number), SERVICE_AT, &terms.to_le_bytes());
            }
            Row::Link { link, device, subject, secret, from_ms, to_ms, role } => {
                let owned = self.devices.hold(device, number)?;
                let (subject, _) = self.subjects.hold(subject, NOTHING)?;
                self.write(number, owned, *from_ms, Some(to_ms.unwrap_or(OPEN)));
                let payload = self.cells.payload_mut(number);
                put(payload, SUBJECT_AT, subject);
                put_bytes(payload, ROLE_AT, &[*role]);
                if secret.len() == SECRET_BYTES {
                    put_bytes(payload, SECRET_AT, secret);
                } else {
                    self.odd_secrets.insert(number, Box::from(&**secret));
                }
                self.keep_id(number, key, found, link);
            }
            Row::Consent {
                consent,
                subject,
                purpose,
                basis,
                recipient,
                notice,
                from_ms,
                to_ms,
            } => {
                let owned = self.subjects.hold(subject, number)?;
                self.write(number, owned, *from_ms, Some(to_ms.unwrap_or(OPEN)));
                let asked = Asked {
                    purpose: (*purpose).into(),
                    basis: *basis,
                    recipient: recipient.map(Into::into),
                    notice: (*notice).into(),
                };
                let terms = self.terms.number(asked, number);
                put_bytes(self.cells.payload_mut(number), TERMS_AT, &terms.to_le_bytes());
                self.keep_id(number, key, found, consent);
            }
        }
        Ok(number)
    }

    /// Forget the row that `find` has found under this key.
    pub fn remove(&mut self, key: &[u8], found: Found) {
        let number = found.number;
        let payload = self.cells.payload(number);
        let (after, owner) = (get(payload, 0), get(payload, OWNER_AT));
        let linked = get(payload, SUBJECT_AT);
        self.unchain(number, owner, after);
        self.owners(number).release(owner);
        if kind_of(number) == LINK {
            self.subjects.release(linked);
        }
        // Nothing of it stays in its cell: its secret would still name somebody.
        if found.code.is_some() {
            self.cells.remove(number);
        } else {
            self.odd_keys.remove(key);
            self.cells.remove_apart(number);
        }
        self.odd_ids.remove(&number);
        self.odd_secrets.remove(&number);
        self.odd_hashes.remove(&number);
        self.terms.forget(number);
    }

    /// The row as it was added.
    pub fn row(&self, number: Number) -> Row<'_> {
        let payload = self.cells.payload(number);
        let owner = get(payload, OWNER_AT);
        let from_ms = get_i64(payload, FROM_AT);
        let to_ms = Some(get_i64(payload, TO_AT)).filter(|&to_ms| to_ms != OPEN);
        match kind_of(number) {
            REGISTRATION => Row::Registration {
                device: self.devices.text(owner),
                registered_ms: from_ms,
                service: self.asked(number, SERVICE_AT).and_then(|one| one.recipient.as_deref()),
            },
            LINK => Row::Link {
                link: self.id(number),
                device: self.devices.text(owner),
                subject: self.subjects.text(get(payload, SUBJECT_AT)),
                secret: Cow::Borrowed(self.odd_secrets.get(&number).map_or_else(
                    || payload.get(SECRET_AT..ROLE_AT).unwrap_or_default(),
                    |secret| &**secret,
                )),
                from_ms,
                to_ms,
                role: payload.get(ROLE_AT).copied().unwrap_or_default(),
            },
            _ => {
                let asked = self.asked(number, TERMS_AT);
                Row::Consent {
                    consent: self.id(number),
                    subject: self.subjects.text(owner),
                    purpose: asked.map_or(&[][..], |asked| &*asked.purpose),
                    basis: asked.map_or(0, |asked| asked.basis),
                    recipient: asked.and_then(|asked| asked.recipient.as_deref()),
                    notice: asked.map_or(&[][..], |asked| &*asked.notice),
                    from_ms,
                    to_ms,
                }
            }
        }
    }

    /// The numbers of a device's rows; the latest added first.
    pub fn of_device(&self, device: &[u8]) -> impl Iterator<Item = Number> {
        self.chain(self.devices.head(self.devices.find(device)))
    }

    /// The numbers of a subject's consents; the latest added first.
    pub fn of_subject(&self, subject: &[u8]) -> impl Iterator<Item = Number> {
        self.chain(self.subjects.head(self.subjects.find(subject)))
    }

    pub fn hashed(&self, number: Number) -> Hashed {
        match self.cells.payload(number).get(HASH_AT) {
            Some(1) => Hashed::AsWritten,
            Some(2) => self.odd_hashes.get(&number).map_or(Hashed::Not, |&hash| Hashed::As(hash)),
            _ => Hashed::Not,
        }
    }

    pub fn keep_hashed(&mut self, number: Number, hashed: Hashed) {
        let state = match hashed {
            Hashed::Not => 0,
            Hashed::AsWritten => 1,
            Hashed::As(_) => 2,
        };
        put_bytes(self.cells.payload_mut(number), HASH_AT, &[state]);
        if let Hashed::As(hash) = hashed {
            self.odd_hashes.insert(number, hash);
        } else if !self.odd_hashes.is_empty() {
            self.odd_hashes.remove(&number);
        }
    }

    /// What stands as a term in a row's cell.
    fn asked(&self, number: Number, at: usize) -> Option<&Asked> {
        let payload = self.cells.payload(number);
        let terms = payload.get(at..at + 2).and_then(|two| two.try_into().ok());
        self.terms.of(number, terms.map_or(0, u16::from_le_bytes))
    }

    fn owners(&mut self, number: Number) -> &mut Names {
        if kind_of(number) == CONSENT { &mut self.subjects } else { &mut self.devices }
    }

    fn chain(&self, first: Number) -> impl Iterator<Item = Number> {
        let there = |number: Number| Some(number).filter(|&number| number != NOTHING);
        std::iter::successors(there(first), move |&number| {
            there(get(self.cells.payload(number), 0))
        })
    }

    fn write(
        &mut self,
        number: Number,
        (owner, after): (Number, Number),
        from_ms: i64,
        until_ms: Option<i64>,
    ) {
        let payload = self.cells.payload_mut(number);
        put(payload, 0, after);
        put(payload, OWNER_AT, owner);
        put_bytes(payload, FROM_AT, &from_ms.to_le_bytes());
        if let Some(until_ms) = until_ms {
            put_bytes(payload, TO_AT, &until_ms.to_le_bytes());
        }
    }

    fn keep_id(&mut self, number: Number, key: &[u8], found: Found, id: &[u8]) {
        let own = key.len().checked_sub(ID_CHARS).and_then(|from| key.get(from..));
        if found.code.is_none() || own != Some(id) {
            self.odd_ids.insert(number, id.into());
        }
    }

    fn id(&self, number: Number) -> Cow<'_, [u8]> {
        if let Some(id) = self.odd_ids.get(&number) {
            return Cow::Borrowed(id);
        }
        Cow::Owned(id_of(self.cells.key(number)).into())
    }

    fn unchain(&mut self, number: Number, owner: Number, after: Number) {
        let head = self.owners(number).head(owner);
        if head == number {
            self.owners(number).set_head(owner, after);
            return;
        }
        let before = self.chain(head).find(|&one| get(self.cells.payload(one), 0) == number);
        if let Some(before) = before {
            put(self.cells.payload_mut(before), 0, after);
        }
    }
}

/// A registration's service as a term; none is one too.
fn of_service(service: Option<&[u8]>) -> Asked {
    let (purpose, notice) = (Box::from([]), Box::from([]));
    Asked { purpose, basis: 0, recipient: service.map(Into::into), notice }
}
