import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Launcher
#endif

/// A program that was started, in its sandbox.
struct Program {
  let id: UInt32
  /// The process of the sandbox, which is our child.
  let process: Int32
  /// The folder of its control group; empty without one.
  let group: [UInt8]
  /// Its folder; empty without one.
  private let data: [UInt8]
  private let limits: LaunchLimits
  /// What the stage of an engine's container leaves; nil for other programs.
  private let engine: EngineFiles?
  /// Whether podman is starting the container.
  private(set) var isStarting: Bool
  /// The CPU time that podman took for it, in nanoseconds.
  private var startCPU: UInt64 = 0

  /// Starts a program.
  /// - Parameter descriptors: its socket, its log, and optionally the seccomp filter and the socket through which it passes
  ///   its listening socket out; they stay the caller's.
  static func start(
    _ plan: LaunchPlan, _ descriptors: [Int32], _ groups: ControlGroups
  ) -> (program: Program?, step: LaunchStep, errno: Int32) {
    guard descriptors.count >= 2 else { return (nil, .plan, EINVAL) }
    let dataError = makeFolder(plan.data)
    if dataError != 0 { return (nil, .data, dataError) }
    let made = groups.make(plan)
    if let made, made.errno != 0 { return (nil, .group, made.errno) }
    let group = made?.folder ?? []
    let (process, error) = execute(plan, descriptors, group, groups.controllers)
    guard process > 0 else {
      if !group.isEmpty { _ = SmallFiles.removeFolder(group) }
      return (nil, .execute, error)
    }
    return (
      Program(
        id: plan.id, process: process, group: group, data: plan.data, limits: plan.limits,
        engine: plan.kind == .engine ? EngineFiles(in: plan.words[3], of: process) : nil,
        isStarting: plan.kind == .container), .execute, 0
    )
  }

  /// Makes the folder of an agent, and the one in which it lies.
  private static func makeFolder(_ path: [UInt8]) -> Int32 {
    guard let slash = path.lastIndex(of: 0x2F), slash > 0 else { return path.isEmpty ? 0 : EINVAL }
    for folder in [[UInt8](path[..<slash]), path] {
      let error = SmallFiles.makeFolder(folder, mode: 0o700)
      if error != 0, error != EEXIST { return error }
    }
    return SmallFiles.isFolder(path) ? 0 : ENOTDIR
  }

  private static func execute(
    _ plan: LaunchPlan, _ descriptors: [Int32], _ group: [UInt8], _ controllers: LauncherFacts.Controllers
  ) -> (process: Int32, errno: Int32) {
    let null = unsafe openstarry_open("/dev/null", O_RDONLY | O_CLOEXEC, 0)
    guard null >= 0 else { return (-1, openstarry_errno()) }
    // Above all target numbers, so that none is overwritten before it is in its place.
    var copies: [Int32] = []
    for number in [null, descriptors[1], descriptors[1], descriptors[0]] + descriptors.dropFirst(2) {
      copies.append(openstarry_fcntl(number, F_DUPFD_CLOEXEC, 16))
    }
    let procs = group.isEmpty ? -1 : SmallFiles.open(group + [UInt8]("/cgroup.procs"), O_WRONLY)
    let procsError = openstarry_errno()
    defer {
      for number in copies where number >= 0 { close(number) }
      if procs >= 0 { close(procs) }
      close(null)
    }
    for number in copies where number < 0 { return (-1, EMFILE) }
    if !group.isEmpty, procs < 0 { return (-1, procsError) }
    var kinds: [Int32] = []
    var amounts: [UInt64] = []
    func limit(_ kind: Int32, _ amount: UInt64) {
      kinds.append(kind)
      amounts.append(amount)
    }
    limit(OPENSTARRY_RLIMIT_CORE, 0)
    if plan.limits.descriptors > 0 { limit(OPENSTARRY_RLIMIT_NOFILE, UInt64(plan.limits.descriptors)) }
    if plan.limits.fileSize > 0 { limit(OPENSTARRY_RLIMIT_FSIZE, plan.limits.fileSize) }
    var variables = plan.environment
    // The engine sets it.
    if plan.limits.memory > 0, !controllers.contains(.memory), plan.kind != .engine {
      if plan.kind == .container {
        // podman itself needs more: `ContainerStage` sets it.
        variables.append([UInt8]("OPENSTARRY_RLIMIT_DATA=") + [UInt8](digits: plan.limits.memory))
      } else {
        limit(OPENSTARRY_RLIMIT_DATA, plan.limits.memory)
      }
    }
    // SAFETY: every pointer is valid during the call, which returns once the child no longer shares our memory.
    let words = TextVector(plan.words)
    let environment = TextVector(variables)
    return unsafe copies.withUnsafeBufferPointer { copies in
      unsafe kinds.withUnsafeBufferPointer { kinds in
        unsafe amounts.withUnsafeBufferPointer { amounts in
          var steps = unsafe openstarry_spawn()
          unsafe steps.program = unsafe UnsafePointer(words.pointers[0])
          unsafe steps.words = unsafe UnsafePointer(words.pointers)
          unsafe steps.environment = unsafe UnsafePointer(environment.pointers)
          unsafe steps.descriptors = copies.baseAddress
          unsafe steps.descriptor_count = Int32(copies.count)
          unsafe steps.limit_kinds = kinds.baseAddress
          unsafe steps.limits = amounts.baseAddress
          unsafe steps.limit_count = Int32(kinds.count)
          // All but SIGKILL and SIGSTOP, whose actions cannot be set.
          unsafe steps.default_signals = ~(1 << UInt64(SIGKILL - 1) | 1 << UInt64(SIGSTOP - 1))
          unsafe steps.own_session = 1
          unsafe steps.group = procs
          let child = unsafe openstarry_spawn(&steps)
          return (child, child > 0 ? 0 : openstarry_errno())
        }
      }
    }
  }

  /// Sends a signal to the program inside its sandbox. bubblewrap itself would not pass it on.
  func signal(_ number: Int32) {
    if engine != nil {
      CLinux.kill(process, number)
    } else if let program = ProcessTree.program(below: process) {
      CLinux.kill(program, number)
    }
  }

  /// Takes back what the start of a container was allowed beyond its limits, once podman is gone.
  mutating func settle(_ groups: ControlGroups) {
    guard isStarting, ProcessTree.hasContainer(in: process) else { return }
    startCPU = measured.cpu
    isStarting = false
    guard !group.isEmpty else { return }
    let error = groups.set(limits, on: group)
    if error != 0 {
      Companion.write("openstarry-launcher", "a container's limits cannot be set, so it is ended", error)
      kill()
    }
  }

  /// Ends the program and everything that it has started.
  func kill() {
    if engine != nil {
      // It ends the container before itself.
      CLinux.kill(process, SIGQUIT)
      return
    }
    if !group.isEmpty { ControlGroups.kill(group) }
    // The first process of the sandbox dies with bubblewrap, and all others with it (pid_namespaces(7)).
    CLinux.kill(process, SIGKILL)
  }

  /// What it uses. The use of podman is not the agent's.
  var usage: LaunchUsage {
    var usage = measured
    if !data.isEmpty { usage.data = SmallFiles.sizeOfFolder(data) }
    if isStarting { usage.memory = 0 }
    usage.cpu = ownCPU(of: usage.cpu)
    return usage
  }

  /// The part of its CPU time that podman has not taken, in nanoseconds.
  func ownCPU(of time: UInt64) -> UInt64 { isStarting || time < startCPU ? 0 : time - startCPU }

  /// Whether the kernel killed one of its processes because it was out of memory.
  var isOutOfMemory: Bool { engine?.isOutOfMemory ?? (!group.isEmpty && ControlGroups.isOutOfMemory(group)) }

  /// Whether its container could not be started, or has ended, because the engine that holds it is away.
  var isEngineAway: Bool { engine?.isAway ?? false }

  /// Whether it stands for a container that an engine holds.
  var isHeldByEngine: Bool { engine != nil }

  /// Removes what it leaves behind, after its end.
  func clear() { engine?.remove() }

  private var measured: LaunchUsage {
    guard let process = engine == nil ? process : engine?.process else { return LaunchUsage() }
    let group = engine?.group ?? self.group
    var usage = ProcessTree.usage(of: process, limit: limits.memory)
    if !group.isEmpty {
      if let text = SmallFiles.read(group + [UInt8]("/cpu.stat")), let time = text.number(after: "usage_usec ") {
        usage.cpu = time * 1000
      }
      if let text = SmallFiles.read(group + [UInt8]("/memory.current")), let bytes = text.numbers.first {
        usage.memory = bytes
      }
    }
    return usage
  }
}

/// A vector of C strings that ends with a null pointer, as execve(2) takes them.
@safe final class TextVector {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ texts: [[UInt8]]) {
    // SAFETY: the vector and its texts are ours until `deinit`, and have room for their final zeros.
    let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
    for index in 0..<texts.count {
      let text = texts[index]
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
      for place in 0..<text.count { unsafe copy[place] = CChar(bitPattern: text[place]) }
      unsafe copy[text.count] = 0
      unsafe vector[index] = unsafe copy
    }
    unsafe vector[texts.count] = nil
    count = texts.count
    unsafe pointers = unsafe vector
  }

  deinit {
    for index in 0..<count { unsafe pointers[index]?.deallocate() }
    unsafe pointers.deallocate()
  }
}
