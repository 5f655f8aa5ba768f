#include "attach/errand.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

/* At the start of the data; the code knows its offsets. */
struct errand {
  struct hd_errand_functions functions;
  uint64_t library, function_name; /* addresses of texts */
  uint64_t frame;
  struct hd_errand_answer answer;
  struct timeval patience;
};

#define AT(member, offset)                                                                         \
  _Static_assert(offsetof(struct errand, member) == (offset), "the code below has it there")
AT(functions.dlopen, 0);
AT(functions.dlsym, 8);
AT(functions.dlerror, 16);
AT(functions.errno_location, 24);
AT(library, 32);
AT(function_name, 40);
AT(frame, 48);
AT(answer.errno_at, 56);
AT(answer.handle, 64);
AT(answer.function, 72);
AT(answer.text, 80);
AT(answer.result, 88);
AT(answer.done, 96);
AT(answer.kept_errno, 100);
AT(patience, 104);

/* %rbx is the data. What it was sent for being done, it waits to be fetched, for a second:
 * asleep, so that it comes at once when it is (one that spins or yields waits behind every
 * other thread then), and by select, which keeps what is left of the time in memory: calls
 * that have the kernel keep it would take the place of the one that was interrupted. Then it
 * goes back by rt_sigreturn. */
__asm__(".pushsection .rodata\n"
        ".globl hd_errand_code, hd_errand_code_end\n"
        ".hidden hd_errand_code, hd_errand_code_end\n"
        ".balign 8\n"
        "hd_errand_code:\n"
        "  call *24(%rbx)\n" /* errno is kept */
        "  mov %rax, 56(%rbx)\n"
        "  mov (%rax), %eax\n"
        "  mov %eax, 100(%rbx)\n"
        "  mov 32(%rbx), %rdi\n"
        "  mov $2, %esi\n" /* RTLD_NOW */
        "  call *0(%rbx)\n"
        "  mov %rax, 64(%rbx)\n"
        "  test %rax, %rax\n"
        "  jz 1f\n"
        "  mov %rax, %rdi\n"
        "  mov 40(%rbx), %rsi\n"
        "  call *8(%rbx)\n"
        "  mov %rax, 72(%rbx)\n"
        "  test %rax, %rax\n"
        "  jz 1f\n"
        "  call *%rax\n"
        "  cltq\n"
        "  mov %rax, 88(%rbx)\n"
        "  jmp 2f\n"
        "1:\n"
        "  call *16(%rbx)\n"
        "  mov %rax, 80(%rbx)\n"
        "2:\n"
        "  mov 56(%rbx), %rcx\n"
        "  mov 100(%rbx), %eax\n"
        "  mov %eax, (%rcx)\n"
        "  movl $1, 96(%rbx)\n"
        "  mov $23, %eax\n" /* select */
        "  xor %edi, %edi\n"
        "  xor %esi, %esi\n"
        "  xor %edx, %edx\n"
        "  xor %r10d, %r10d\n"
        "  lea 104(%rbx), %r8\n"
        "  syscall\n"
        "  mov 48(%rbx), %rsp\n"
        "  mov $15, %eax\n" /* rt_sigreturn */
        "  syscall\n"
        "  ud2\n"
        ".balign 8\n"
        "hd_errand_code_end:\n"
        ".popsection\n");

extern const char hd_errand_code[], hd_errand_code_end[];

/* Where things lie in the data. */
enum { LIBRARY = 256, NAME = LIBRARY + PATH_MAX, FRAME = 8192 };
_Static_assert(NAME + 256 <= FRAME && FRAME % 64 == 0, "they lie one after the other");
_Static_assert(FRAME + sizeof(ucontext_t) + HD_MOST_XSTATE + 256 <= HD_ERRAND_DATA, "it fits");

static uint64_t data_at(uint64_t base)
{
  return base + HD_ERRAND_CODE + HD_ERRAND_STACK;
}

/* --- the way back ------------------------------------------------------------------------- */

/* The kernel's marks in a signal frame (asm/sigcontext.h, asm/ucontext.h). */
enum {
  FP_MAGIC_1 = 0x46505853,
  FP_MAGIC_2 = 0x46505845,
  UC_FLAGS = 1 | 2 | 4,  /* has xstate; ss is restored, strictly */
  NO_SUCH_STACK = 0xffff /* flags with which the alternate signal stack is left as it is */
};

/* Bytes 464 to 511 of the legacy area, "for software": struct _fpx_sw_bytes. */
struct software_bytes {
  uint32_t magic, extended_size;
  uint64_t features;
  uint32_t size, padding[7];
};
enum { SOFTWARE_AT = 464, FXSAVE_SIZE = 512 };

/* -ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND: begun again; after
 * -ERESTART_RESTARTBLOCK what was left of the time is lost with a signal frame, and the
 * program sees an interruption. */
static void begin_again(struct user_regs_struct *registers)
{
  int64_t result = (int64_t)registers->rax;
  if ((int64_t)registers->orig_rax < 0)
    return;
  if (result == -512 || result == -513 || result == -514) {
    registers->rax = registers->orig_rax;
    registers->rip -= 2;
  } else if (result == -516) {
    registers->rax = (uint64_t)-EINTR;
  }
}

static void fill_registers(const struct user_regs_struct *from, gregset_t to)
{
  to[REG_R8] = (greg_t)from->r8;
  to[REG_R9] = (greg_t)from->r9;
  to[REG_R10] = (greg_t)from->r10;
  to[REG_R11] = (greg_t)from->r11;
  to[REG_R12] = (greg_t)from->r12;
  to[REG_R13] = (greg_t)from->r13;
  to[REG_R14] = (greg_t)from->r14;
  to[REG_R15] = (greg_t)from->r15;
  to[REG_RDI] = (greg_t)from->rdi;
  to[REG_RSI] = (greg_t)from->rsi;
  to[REG_RBP] = (greg_t)from->rbp;
  to[REG_RBX] = (greg_t)from->rbx;
  to[REG_RDX] = (greg_t)from->rdx;
  to[REG_RAX] = (greg_t)from->rax;
  to[REG_RCX] = (greg_t)from->rcx;
  to[REG_RSP] = (greg_t)from->rsp;
  to[REG_RIP] = (greg_t)from->rip;
  to[REG_EFL] = (greg_t)from->eflags;
  to[REG_CSGSFS] = (greg_t)((from->cs & 0xffff) | (from->ss & 0xffff) << 48);
}

size_t hd_errand_frame(const struct hd_thread_state *state, uint64_t at, void *frame, size_t size)
{
  size_t xstate_at = (sizeof(ucontext_t) + 63) & ~(size_t)63, xstate = state->xstate_size;
  size_t whole = xstate_at + xstate + sizeof(uint32_t);
  if (whole > size || xstate < FXSAVE_SIZE)
    return 0;
  struct user_regs_struct registers = state->registers;
  begin_again(&registers);
  memset(frame, 0, whole);
  ucontext_t context = {.uc_flags = UC_FLAGS, .uc_stack = {.ss_flags = NO_SUCH_STACK}};
  fill_registers(&registers, context.uc_mcontext.gregs);
  context.uc_mcontext.fpregs = (fpregset_t)(uintptr_t)(at + xstate_at);
  memcpy(&context.uc_sigmask, &state->mask, sizeof state->mask);
  memcpy(frame, &context, sizeof context);
  char *area = (char *)frame + xstate_at;
  memcpy(area, state->xstate, xstate);
  struct software_bytes marks = {.magic = FP_MAGIC_1,
                                 .extended_size = (uint32_t)(xstate + sizeof(uint32_t)),
                                 .size = (uint32_t)xstate};
  /* Where the kernel gives the features that it uses: REGSET_XSTATE's XCR0 word. */
  memcpy(&marks.features, area + SOFTWARE_AT, sizeof marks.features);
  memcpy(area + SOFTWARE_AT, &marks, sizeof marks);
  uint32_t end = FP_MAGIC_2;
  memcpy(area + xstate, &end, sizeof end);
  return whole;
}

/* --- sending it --------------------------------------------------------------------------- */

bool hd_errand_write(const struct hd_thread *thread, uint64_t base,
                     const struct hd_errand_functions *functions, const char *library,
                     const char *function, const struct hd_thread_state *state)
{
  char data[HD_ERRAND_DATA] __attribute__((aligned(64)));
  uint64_t at = data_at(base);
  struct errand errand = {.functions = *functions,
                          .library = at + LIBRARY,
                          .function_name = at + NAME,
                          .frame = at + FRAME,
                          .patience = {.tv_sec = 1}};
  size_t library_size = strlen(library) + 1, name_size = strlen(function) + 1;
  errno = ENAMETOOLONG;
  if (library_size > PATH_MAX || name_size > FRAME - NAME)
    return false;
  memset(data, 0, FRAME);
  memcpy(data, &errand, sizeof errand);
  memcpy(data + LIBRARY, library, library_size);
  memcpy(data + NAME, function, name_size);
  errno = E2BIG;
  size_t frame = hd_errand_frame(state, at + FRAME, data + FRAME, sizeof data - FRAME);
  return frame && hd_memory_write(thread->tid, at, data, FRAME + frame) &&
         hd_thread_poke(thread, base, hd_errand_code,
                        (size_t)(hd_errand_code_end - hd_errand_code));
}

struct user_regs_struct hd_errand_registers(uint64_t base, const struct hd_thread_state *state)
{
  enum { INTERRUPTS = 0x202 }; /* the direction flag clear, as the calling convention has it */
  struct user_regs_struct registers = state->registers;
  registers.rip = base;
  registers.rbx = data_at(base);
  registers.rsp = base + HD_ERRAND_CODE + HD_ERRAND_STACK;
  registers.rbp = 0;
  registers.eflags = INTERRUPTS;
  registers.rax = 0;
  registers.orig_rax = UINT64_MAX;
  return registers;
}

bool hd_errand_read(pid_t pid, uint64_t base, struct hd_errand_answer *answer)
{
  return hd_memory_read(pid, data_at(base) + offsetof(struct errand, answer), answer,
                        sizeof *answer);
}

bool hd_errand_holds(uint64_t base, uint64_t pc)
{
  return pc >= base && pc < base + HD_ERRAND_CODE;
}
