#!/usr/bin/env bash
# vdirsyncer 0.21.0 (PyPI), the synchronisation of calendars and contacts: two meetings of a series that change places
# are no change.
#
# One would guess: an edit is seen by a hash of the item, with the properties left out that servers write (documented);
#   an edit of a start time is seen.
# True: the hash is one of the sorted lines of the whole item. A series holds its moved meetings as components of one
#   item, so an edit that only moves lines between them has the hash of before: one calendar has Ann on Monday and
#   Ben on Tuesday, the other the reverse, and every sync reports success. An edit that brings in one new line is seen.
# Source: issue pimutils/vdirsyncer 257 on the hash; that it does not tell which line belongs where is seen by running it.
# Why users care: swapping two people on a rota is what a rota is for. Sorting makes a hash stable where order means
#   nothing; lines of nested things have to be sorted inside their own component.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip -q --disable-pip-version-check install vdirsyncer==0.21.0
mkdir phone desk
cat >config <<'EOT'
[general]
status_path = "status/"

[pair rota]
a = "phone"
b = "desk"
collections = null
conflict_resolution = "a wins"

[storage phone]
type = "filesystem"
path = "phone/"
fileext = ".ics"

[storage desk]
type = "filesystem"
path = "desk/"
fileext = ".ics"
EOT

meeting() { # meeting SUMMARY PROPERTY...: prints one component
	printf '%s\r\n' BEGIN:VEVENT UID:rota DTSTAMP:20260101T000000Z "SUMMARY:$1" "${@:2}" END:VEVENT
}
write() { # write FIRST SECOND: sets who is on duty at the first two dates, on the phone
	{
		printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:demo
		meeting Duty DTSTART:20260105T090000Z "RRULE:FREQ=DAILY;COUNT=5"
		meeting "$1" DTSTART:20260105T090000Z RECURRENCE-ID:20260105T090000Z
		meeting "$2" DTSTART:20260106T090000Z RECURRENCE-ID:20260106T090000Z
		printf '%s\r\n' END:VCALENDAR
	} >phone/rota.ics
}
on_duty() { sed -n 's/^SUMMARY:\([A-Z][a-z]*\).*/\1/p' "$1/rota.ics" | tail -n 2 | paste -sd ' '; }
synchronise() { # synchronise WHAT: prints what was done and what both read
	venv/bin/vdirsyncer -c config sync >log 2>&1
	echo "$1: phone $(on_duty phone), desk $(on_duty desk)"
}

cat >want <<'EOT'
written: phone Ann Ben, desk Ann Ben
swapped: phone Ben Ann, desk Ann Ben
nothing done: phone Ben Ann, desk Ann Ben
one replaced: phone Ben Eve, desk Ben Eve
EOT
{
	write Ann Ben
	yes | venv/bin/vdirsyncer -c config discover >log 2>&1 || true
	synchronise written
	write Ben Ann
	synchronise swapped
	synchronise "nothing done"
	write Ben Eve
	synchronise "one replaced"
} | tee got
diff want got
