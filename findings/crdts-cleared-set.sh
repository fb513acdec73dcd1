#!/usr/bin/env bash
# crdts 7.3.2 (crates.io), a Map of sets: whether a cleared set stays cleared depends on who added the next element, and on
# whether replicas exchange operations or states.
#
# One would guess: Ben removes a key, Ann adds an element under it meanwhile: the key is back with Ann's new element alone,
#   as the documentation says of reset-remove; and operations and states, of which the library offers both for each
#   type, lead to the same map.
# True: by operations the cart holds the new element alone. By states it does if somebody else added what Ben removed. If
#   Ann had added that herself, her old element is back beside the new one on both replicas: the merge works out what
#   was removed from the clock of the entry, and Ann's later time in it hides that her earlier one is missing elsewhere.
#   The clocks equal those of the replicas that exchanged operations, merging again changes nothing, and validate_merge
#   finds no fault.
# Source: docs.rs/crdts, Map, on reset-remove, and issue rust-crdt/rust-crdt 124, which explains it; that states and
#   operations differ is seen by running it.
# Why users care: one person who adds twice is the usual case, so a cart that was emptied is full again. And replicas of
#   which some heard operations and some states read different maps under equal clocks, so that nobody asks for more.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cargo init --quiet --vcs none --name run
cargo add --quiet crdts@=7.3.2

cat >src/main.rs <<'EOT'
use crdts::{map, CmRDT, CvRDT, Map, Orswot};

type Cart = Orswot<&'static str, &'static str>;
type Carts = Map<&'static str, Cart, &'static str>;
type Op = map::Op<&'static str, Cart, &'static str>;

fn put(carts: &mut Carts, who: &'static str, item: &'static str) -> Op {
    let ctx = carts.read_ctx().derive_add_ctx(who);
    let op = carts.update("cart", ctx, |cart, ctx| cart.add(item, ctx));
    carts.apply(op.clone());
    op
}

fn clear(carts: &mut Carts) -> Op {
    let op = carts.rm("cart", carts.get(&"cart").derive_rm_ctx());
    carts.apply(op.clone());
    op
}

fn items(carts: &Carts) -> Vec<&'static str> {
    let cart = carts.get(&"cart").val.unwrap_or_default();
    let mut items: Vec<_> = cart.read().val.into_iter().collect();
    items.sort();
    items
}

fn merged(a: &Carts, b: &Carts) -> Carts {
    assert!(a.validate_merge(b).is_ok());
    let mut m = a.clone();
    m.merge(b.clone());
    m
}

fn play(first: &'static str) {
    // Ann and Ben hold a cart with bread. Ben clears it, and Ann adds milk before she hears of that.
    let mut ann = Carts::new();
    let bread = put(&mut ann, first, "bread");
    let mut ben = Carts::new();
    ben.apply(bread);
    let cleared = clear(&mut ben);
    let milk = put(&mut ann, "Ann", "milk");

    let (mut ann_op, mut ben_op) = (ann.clone(), ben.clone());
    ann_op.apply(cleared);
    ben_op.apply(milk);
    let (ann_state, ben_state) = (merged(&ann, &ben), merged(&ben, &ann));
    let again = merged(&ann_state, &ben_state);

    println!("bread of {first}, cleared by Ben, milk of Ann:");
    println!("  by operations: Ann {:?}, Ben {:?}", items(&ann_op), items(&ben_op));
    println!("  by states: Ann {:?}, Ben {:?}, merged again {:?}", items(&ann_state), items(&ben_state), items(&again));
    println!("  equal clocks: {}", ann_op.read_ctx().add_clock == ann_state.read_ctx().add_clock);
}

fn main() {
    play("Cid");
    play("Ann");
}
EOT

cat >want <<'EOT'
bread of Cid, cleared by Ben, milk of Ann:
  by operations: Ann ["milk"], Ben ["milk"]
  by states: Ann ["milk"], Ben ["milk"], merged again ["milk"]
  equal clocks: true
bread of Ann, cleared by Ben, milk of Ann:
  by operations: Ann ["milk"], Ben ["milk"]
  by states: Ann ["bread", "milk"], Ben ["bread", "milk"], merged again ["bread", "milk"]
  equal clocks: true
EOT
cargo run --quiet | tee got
diff want got
