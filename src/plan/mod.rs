//! Numbering plans: which digit strings are telephone numbers, of which region and type. Stub, replaced soon.
