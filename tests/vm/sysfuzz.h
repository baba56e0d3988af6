/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of vm-sysfuzz share.
 */
#ifndef TERN_TESTS_VM_SYSFUZZ_H
#define TERN_TESTS_VM_SYSFUZZ_H

#include <errno.h>
#include <linux/tern.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/random.h"
#include "tests/vm/addr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ONE_OF(f, array) ((array)[below(f, COUNT(array))])

/**
 * struct fuzzer - a thread that makes calls
 * @random: its random numbers
 * @call: what it is doing, for who asks why it does not end
 * @since: when it began with that, s
 * @failed: calls that were answered with an errno
 * @pages: its memory for arguments
 */
struct fuzzer {
	struct random random;
	const char *call;
	double since;
	unsigned long failed;
	uint8_t *pages;
};

/* vm-sysfuzz.c */
uint32_t below(struct fuzzer *f, uint32_t n);
bool percent(struct fuzzer *f, uint32_t n);
void law(const char *format, ...) __attribute__((format(printf, 1, 2)));
long check(struct fuzzer *f, const char *call, long result);
int any_fd(struct fuzzer *f);
void keep_fd(struct fuzzer *f, int fd);
void drop_fd(struct fuzzer *f);
void *any_memory(struct fuzzer *f, size_t len);
void *good_memory(struct fuzzer *f, size_t len);
socklen_t any_address(struct fuzzer *f, union address *addr);

/* sysfuzz-sockets.c */
void fuzz_socket(struct fuzzer *f);
void fuzz_pair(struct fuzzer *f);
void fuzz_bind(struct fuzzer *f);
void fuzz_listen(struct fuzzer *f);
void fuzz_connect(struct fuzzer *f);
void fuzz_accept(struct fuzzer *f);
void fuzz_names(struct fuzzer *f);
void fuzz_send(struct fuzzer *f);
void fuzz_recv(struct fuzzer *f);
void fuzz_sendmsg(struct fuzzer *f);
void fuzz_recvmsg(struct fuzzer *f);
void fuzz_shutdown(struct fuzzer *f);
void fuzz_poll(struct fuzzer *f);
void fuzz_ioctl(struct fuzzer *f);
void fuzz_fcntl(struct fuzzer *f);
void fuzz_splice(struct fuzzer *f);
void fuzz_pass(struct fuzzer *f);
void fuzz_close(struct fuzzer *f);
void fuzz_sockets_init(void);

/* sysfuzz-options.c */
void fuzz_setsockopt(struct fuzzer *f);
void fuzz_getsockopt(struct fuzzer *f);

/* sysfuzz-files.c */
void fuzz_sysctl(struct fuzzer *f);
void fuzz_proc(struct fuzzer *f);
void fuzz_diag(struct fuzzer *f);
void fuzz_files_init(void);
void check_sysctls(void);

#endif /* TERN_TESTS_VM_SYSFUZZ_H */
