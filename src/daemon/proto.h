/* proto: the messages between the processes of intagliod.  Bodies are written with buf and read with
 * reader in the order given here; names are wire names as lv16, texts are str (base/buf.h). */
#ifndef DAEMON_PROTO_H
#define DAEMON_PROTO_H

enum proto_type {
	/* master -> network, signer */
	PROTO_CONFIG = 1, /* fd: the process's cut of the configuration */
	PROTO_PEER,       /* fd: channel to the other side; comes again when that was restarted */
	/* master -> network */
	PROTO_LISTEN_UDP, /* fd; the TCP one follows */
	PROTO_LISTEN_TCP, /* fd */
	/* master -> signer */
	PROTO_CONTROL,     /* fd: the listening control socket; u32 gid */
	PROTO_WORKER,      /* fd: channel to a token worker; str token, u16 number, u16 sessions */
	PROTO_WORKER_GONE, /* str token, u16 number */
	PROTO_CONF_RESULT, /* u32 id, u8 is OK, str why; the new PROTO_CONFIG came before it */
	/* signer -> master */
	PROTO_READY,       /* it serves */
	PROTO_CONF_ADD,    /* u32 id, fd: text of the entries */
	PROTO_CONF_REMOVE, /* u32 id, str list, str name */
	PROTO_CONF_RELOAD, /* u32 id */
	PROTO_FORGET,      /* str zone: was deleted */
	PROTO_WORKER_KILL, /* str token, u16 number: its call hangs */
	PROTO_STOP,
	PROTO_CLOCK, /* u32 id, u64 calendar: show this on the virtual clock; PROTO_CONF_RESULT answers */
	/* u32 id, str policy, str zone, str "submit" or "retract", str records, str DS set wanted: have the
	 * policy's command hand this over; policy "": that of the monitored domain */
	PROTO_HOOK,
	PROTO_CONF_POLICY, /* u32 id, str zone, str policy: the zone has this policy from now on */
	/* u32 id, str kind, str zone ("": all of them), lv32 JSON: have the command for notices take it */
	PROTO_NOTICE,
	/* master -> signer */
	PROTO_HOOK_RESULT, /* u32 id, u8 is OK, str why */

	/* network -> signer */
	PROTO_RECEIVED = 100, /* apex, str source, u32 serial, str path of the spool, u64 mark */
	PROTO_SOURCE,         /* apex, str source, u8 status, u8 has serial, u32 serial, str reason */
	/* the same, then u8 signatures (outbound.h), u64 expiry of the SOA's signature as served, 0: not known */
	PROTO_DESTINATION,
	PROTO_REFRESHED,      /* apex, u64 time */
	PROTO_EXPIRED,        /* apex, u8 */
	PROTO_PROBE_ANSWER,   /* u32 id, u8 code negated, str why, lv32 the answer as it came */
	PROTO_DELIVERED,      /* u32 id, u8 code negated, u8 is permanent, str why */
	PROTO_SETTLED,        /* u32 id of PROTO_LOOK, u64 time of the next calendar event, 0: none */
	/* signer -> network */
	PROTO_HELLO,     /* the store is there; first message on a new channel */
	PROTO_VERDICT,   /* apex, str source, u8 code negated, str why, u32 serial, 5 x u32 SOA timers */
	PROTO_VERSION,   /* apex: a new version is in the store */
	PROTO_RETRANSFER, /* apex */
	/* u32 id, str server (or "address@port"), qname, u16 qtype, u8 flags (inbound/probe.h): ask it */
	PROTO_PROBE,
	/* u32 id, u8 channel (notices/deliver.h), str recipient, lv32 body: deliver it */
	PROTO_DELIVER,
	/* u32 id, str server, u8 flags, lv32 message without ID and TSIG: send it; answered in the same way */
	PROTO_SEND,
	PROTO_LOOK        /* u32 id: run what is due, answer when all of it is done */
};

#endif
