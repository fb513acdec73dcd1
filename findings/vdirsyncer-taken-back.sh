#!/usr/bin/env bash
# vdirsyncer 0.21.0 (PyPI), the synchronisation of calendars and contacts: taking back the other side's edit is never
# synchronised.
#
# One would guess: with edits made strictly one after the other and a sync between any two, both sides are equal after
#   each sync. Conflict resolution is not even needed.
# True: after copying an edit to the other side, the status keeps the hash of what that side held before. If that side
#   sets the old value again, its hash is the one in the status, so nothing has changed. One calendar reads 9 o'clock,
#   the other 10, every later sync reports success, and "a wins" or "b wins" is not asked. Setting any third value
#   is synchronised.
# Source: unterwaditzer.net/2016/sync-algorithm.html on the status; issue pimutils/vdirsyncer 1155 has found rows of it with
#   two hashes and asks why; the behaviour is seen by running it.
# Why users care: "no, leave it at 9" is the most usual answer to a moved appointment, and whoever moved it goes at 10.
#   A merge against a base needs the base of both sides renewed at each exchange.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip -q --disable-pip-version-check install vdirsyncer==0.21.0
mkdir ann ben
cat >config <<'EOT'
[general]
status_path = "status/"

[pair calendar]
a = "ann"
b = "ben"
collections = null
conflict_resolution = "a wins"

[storage ann]
type = "filesystem"
path = "ann/"
fileext = ".ics"

[storage ben]
type = "filesystem"
path = "ben/"
fileext = ".ics"
EOT

write() { # write OWNER HOUR: sets the appointment in the calendar of OWNER
	printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:demo BEGIN:VEVENT UID:dentist DTSTAMP:20260101T000000Z \
		"DTSTART:20260105T${2}0000Z" SUMMARY:Dentist END:VEVENT END:VCALENDAR >"$1/dentist.ics"
}
read_hour() { sed -n 's/^DTSTART:20260105T\(..\).*/\1/p' "$1/dentist.ics"; }
synchronise() { # synchronise WHAT: prints what was done and what both read
	venv/bin/vdirsyncer -c config sync >log 2>&1
	echo "$1: ann $(read_hour ann), ben $(read_hour ben)"
}

cat >want <<'EOT'
ann writes 09: ann 09, ben 09
ann moves it to 10: ann 10, ben 10
ben moves it back to 09: ann 10, ben 09
nobody does anything: ann 10, ben 09
ben moves it to 11: ann 11, ben 11
EOT
{
	write ann 09
	yes | venv/bin/vdirsyncer -c config discover >log 2>&1 || true
	synchronise "ann writes 09"
	write ann 10
	synchronise "ann moves it to 10"
	write ben 09
	synchronise "ben moves it back to 09"
	synchronise "nobody does anything"
	write ben 11
	synchronise "ben moves it to 11"
} | tee got
diff want got
