#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The scenarios of the demo and of the tests: for each its name, what it shows,
# and the arguments of the two programs.  Sourced by scripts/demo.sh (on the host)
# and scripts/scenario.sh (in the VM); it does nothing by itself.

# shellcheck disable=SC2034 # all this is for those who source it
SCENARIOS=(basic lost-syn lost-synack lost-data lost-fin lost-last-ack
	lost-last-ack-kernel server-closes-first half-close simultaneous-close refused
	sack basic-ipv6 lost-last-ack-ipv6)

# scenario NAME: set TITLE, TELLS, VIA (ipv4, ipv6 or link-local: the server's address),
# CLIENT (arguments of tern-client), SERVER (arguments of tern-echo; empty for no server)
# and CLIENT_EXIT, or fail.
# shellcheck disable=SC2034
scenario()
{
	VIA=ipv4
	CLIENT=(--close first --send 'hello, server' --expect 13)
	SERVER=(--once)
	CLIENT_EXIT=0
	case $1 in
	basic)
		TITLE="connect, talk, close and wait"
		TELLS="Three segments open the connection, and the third carries data already.
The client closes first, so it is the client that waits in TIME_WAIT."
		;;
	lost-syn)
		TITLE="the first SYN is lost"
		TELLS="Nobody answers, so the client sends the same SYN again after 1 s.
The server never knows that there was another."
		CLIENT+=(--lose out:SYN:1)
		;;
	lost-synack)
		TITLE="the first two SYN-ACKs are lost"
		TELLS="Each end sends again what was not acknowledged, waiting twice as long
each time; whoever is first repairs the handshake."
		CLIENT+=(--lose 'in:SYN-ACK:1,2')
		;;
	lost-data)
		TITLE="the third segment, with the data, is lost"
		TELLS="The server stays in SYN_RECEIVED: it has no proof yet that the client is
there.  The segment sent again brings both, the proof and the data."
		CLIENT+=(--lose out:DATA:1)
		;;
	lost-fin)
		TITLE="the client's FIN is lost"
		TELLS="A FIN occupies a sequence number, so it is sent again like data."
		CLIENT+=(--lose out:FIN:1)
		;;
	lost-last-ack)
		TITLE="the last ACK is lost"
		TELLS="The server repeats its FIN, and the client, still in TIME_WAIT, can
acknowledge it again: this is what TIME_WAIT is for.  The wait starts anew."
		CLIENT+=(--lose out:LAST-ACK:1)
		;;
	lost-last-ack-kernel)
		TITLE="the last ACK is lost, and the kernel is in TIME_WAIT"
		TELLS="The server closed first.  Its last ACK does not arrive, the client repeats
its FIN, and the kernel acknowledges it out of a TIME_WAIT entry of 64 bytes."
		CLIENT=(--close second --send 'hello, server' --lose in:LAST-ACK:1)
		SERVER=(--once --close-first 13)
		;;
	server-closes-first)
		TITLE="the server closes first"
		TELLS="Whoever closes first waits: here it is the server, so TIME_WAIT is held
by the kernel module, in 64 bytes without a socket."
		CLIENT=(--close second --send 'hello, server')
		SERVER=(--once --close-first 13)
		;;
	half-close)
		TITLE="one direction closes, the other goes on"
		TELLS="The client has nothing more to send and says so with its FIN.
The server goes on sending, and closes its own direction later."
		CLIENT=(--close half --send 'hello, server')
		SERVER=(--once --half --farewell 'goodbye, client' --close-after 500)
		;;
	simultaneous-close)
		TITLE="both close at the same moment"
		TELLS="The two FINs cross on the way: both ends go through CLOSING, and both
wait in TIME_WAIT, as neither knows whether its last ACK arrived."
		CLIENT=(--close first --send 'hello, server' --close-after 1020)
		SERVER=(--once --close-after 1000)
		;;
	refused)
		TITLE="nobody listens"
		TELLS="A segment for nobody is answered with RST; the client's connect fails
with 'connection refused', and neither end keeps anything."
		SERVER=()
		CLIENT_EXIT=3
		;;
	sack)
		TITLE="one segment of five is lost, and SACK says which"
		TELLS="The server holds what came behind the gap and says so in each ACK.  The
third such ACK makes the client send again, at once, only what is missing."
		CLIENT=(--close first --mss 42 --send "$(printf '%s' {a..e}{01..10})"
			--lose out:DATA:2)
		SERVER=(--once --discard)
		;;
	basic-ipv6)
		TITLE="connect, talk, close and wait, over IPv6"
		TELLS="The same over IPv6: the segments are those of IPv4, the addresses in the
checksum's pseudo-header are longer, and so the MSS is 20 octets less."
		VIA=ipv6
		;;
	lost-last-ack-ipv6)
		TITLE="the last ACK is lost, over IPv6 link-local addresses"
		TELLS="The server closed first.  The client repeats its FIN, and the kernel's
TIME_WAIT entry acknowledges it through the interface the FIN came from."
		VIA=link-local
		CLIENT=(--close second --send 'hello, server' --lose in:LAST-ACK:1)
		SERVER=(--once --close-first 13)
		;;
	*)
		return 1
		;;
	esac
}
