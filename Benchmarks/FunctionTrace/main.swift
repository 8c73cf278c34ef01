import CTrace
import Glibc
import Linux

// function-trace PID SECONDS <STARTS: prints the functions that a process runs within that time. STARTS and the output
// are the functions' addresses in the program, hexadecimal, one on a line. `.ci/order` converts them to names.
//
// Each function gets a breakpoint, which is removed when it is hit, so that the process runs at full speed.

func fail(_ why: String) -> Never {
  let text = Array("function-trace: \(why)\n".utf8)
  // SAFETY: the array outlives the call.
  _ = unsafe text.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  exit(1)
}

/// The breakpoints in the code of a running program.
final class Breakpoints {
  private let memory: Int32
  private let base: UInt64
  private var former: [UInt64: [UInt8]] = [:]
  private(set) var hit: [UInt64] = []

  init(in pid: Int32) {
    guard let program = try? Files.resolve("/proc/\(pid)/exe"), let maps = try? Files.read("/proc/\(pid)/maps") else {
      fail("process \(pid) has no program that can be read")
    }
    // The first mapping of the program's file is its beginning (proc_pid_maps(5)).
    let line = String(decoding: maps, as: UTF8.self).split(separator: "\n").first { $0.hasSuffix(program) }
    guard let base = line?.split(separator: "-").first.flatMap({ UInt64($0, radix: 16) }) else {
      fail("process \(pid) has no program")
    }
    self.base = base
    memory = unsafe "/proc/\(pid)/mem".withCString { unsafe open($0, O_RDWR) }
    guard memory >= 0 else { fail("the memory of process \(pid) cannot be opened: \(SystemError.text(errno))") }
  }

  func set(at place: UInt64) {
    var bytes = [UInt8](repeating: 0, count: Int(OPENSTARRY_BREAKPOINT_SIZE))
    // SAFETY: the array outlives the call, which writes at most its size.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(memory, $0.baseAddress, $0.count, off_t(base + place))
    }
    guard count == bytes.count else { return }
    former[place] = bytes
    write(breakpoint, at: place)
  }

  /// Removes the breakpoint at which a thread has stopped, and records its function.
  /// - Returns: false if there is no breakpoint at the address.
  func take(at address: UInt64) -> Bool {
    let place = address &- base
    // Several threads may have hit the breakpoint before it was removed.
    guard let bytes = former[place] else { return false }
    write(bytes, at: place)
    if hit.last != place { hit.append(place) }
    return true
  }

  func clear() {
    for (place, bytes) in former { write(bytes, at: place) }
  }

  private var breakpoint: [UInt8] {
    #if arch(x86_64)
      [openstarry_breakpoint]
    #else
      [openstarry_breakpoint.0, openstarry_breakpoint.1, openstarry_breakpoint.2, openstarry_breakpoint.3]
    #endif
  }

  private func write(_ bytes: [UInt8], at place: UInt64) {
    // SAFETY: the array outlives the call.
    _ = unsafe bytes.withUnsafeBytes { unsafe pwrite(memory, $0.baseAddress, $0.count, off_t(base + place)) }
  }
}

guard CommandLine.arguments.count == 3, let pid = Int32(CommandLine.arguments[1]),
  let seconds = UInt64(CommandLine.arguments[2])
else { fail("usage: function-trace PID SECONDS <STARTS") }
var status: Int32 = 0
var threads: Set<Int32> = []
for name in (try? Files.names(in: "/proc/\(pid)/task")) ?? [] {
  guard let thread = Int32(name) else { continue }
  guard openstarry_trace_seize(thread) == 0 else { fail("\(pid) cannot be traced: \(SystemError.text(errno))") }
  _ = openstarry_trace_interrupt(thread)
  _ = unsafe waitpid(thread, &status, __WALL)
  threads.insert(thread)
}
let breakpoints = Breakpoints(in: pid)
while let line = readLine() {
  if let place = UInt64(line, radix: 16) { breakpoints.set(at: place) }
}
for thread in threads { _ = openstarry_trace_continue(thread, 0) }

let end = System.monotonicNanoseconds() + seconds * 1_000_000_000
while System.monotonicNanoseconds() < end {
  let thread = unsafe waitpid(-1, &status, WNOHANG | __WALL)
  if thread == 0 {
    Pause.wait(nanoseconds: 100_000)
    continue
  }
  guard thread > 0 else { fail("process \(pid) has ended") }
  // The status of a stopped thread (waitpid(2)): low byte 0x7F, second byte the signal, above it a ptrace event.
  guard status & 0xFF == 0x7F else {
    threads.remove(thread)
    continue
  }
  threads.insert(thread)
  var signal = status >> 8 & 0xFF
  if status >> 16 != 0 {
    signal = 0
  } else if signal == SIGTRAP, breakpoints.take(at: openstarry_trace_rewind(thread)) {
    signal = 0
  }
  _ = openstarry_trace_continue(thread, signal)
}
for thread in threads {
  _ = openstarry_trace_interrupt(thread)
  _ = unsafe waitpid(thread, &status, __WALL)
  // The thread may have hit a breakpoint just now.
  if status >> 16 == 0, status >> 8 & 0xFF == SIGTRAP { _ = breakpoints.take(at: openstarry_trace_rewind(thread)) }
}
breakpoints.clear()
for thread in threads { _ = openstarry_trace_detach(thread) }
for place in breakpoints.hit { print(String(place, radix: 16)) }
