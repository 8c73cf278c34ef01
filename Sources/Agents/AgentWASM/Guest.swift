import Agent
import CWasmtime
import Model

/// One instance of a module: its memory, its fuel, and its running call.
///
/// At most one call runs at a time. `SliceQueue` advances it slice by slice. Between slices it takes only its stack. After a
/// failure nothing may be called.
@safe final class Guest {
  /// The data of a store: a link to its guest.
  final class Link {
    weak var guest: Guest?
  }

  /// The most bytes of one argument or result.
  static let longest = 1 << 20
  /// The most bytes of a name of a device, an event or a key.
  static let longestName = Name.longest

  let module: PreparedModule
  let limits: GuestLimits
  let clock: any Timekeeper
  /// Environment variables, as NAME=value.
  let variables: [String]
  let files: GuestFiles
  private(set) var host: (any AgentHost)?
  private weak var limiter: (any MemoryLimiter)?
  /// The present limit of its memory, in bytes, and the parent whose budget causes it; nil if it is the agent's own.
  private(set) var memoryLimit: Int
  private(set) var shortOf: MemoryRoom?

  let context: OpaquePointer
  private let storePointer: OpaquePointer
  let call: UnsafeMutablePointer<openstarry_call>
  let memory: UnsafeMutablePointer<wasmtime_memory_t>
  private var exports: [String: wasmtime_func_t] = unsafe [:]
  private var future: OpaquePointer?
  private var isPolling = false
  private var deadline = Instant(nanoseconds: 0)
  private var began = Instant(nanoseconds: 0)
  private var completion: ((Result<Int32, AgentFailure>) -> Void)?
  private var isStopAsked = false

  /// How structured data crosses between it and the host.
  private(set) var encoding = PayloadEncoding.json

  var isReady = false
  var isAllocating = false
  var fault: GuestFault?
  var callCount = 0
  /// Host calls since the guest last yielded.
  private(set) var callsInSlice = 0
  static let callsOfASlice = 64
  /// Limits of host calls and transferred bytes between two chances to yield. Code without a loop or a function call never
  /// checks its fuel, so it cannot yield.
  static let callsInOneGo = 512
  static let bytesInOneGo = 4 << 20
  /// Bytes that host calls have transferred since the guest last yielded; parsed data counts eight times.
  private var bytesInSlice = 0
  /// Bytes after which the guest yields.
  static let bytesOfASlice = 256 << 10
  /// Nanoseconds in host calls since the guest last yielded.
  private var hostTimeInSlice: UInt64 = 0
  /// The fuel at the beginning of the slice, and whether the slice has been shortened.
  private var fuelAtSlice: UInt64 = 0
  private var isSliceCut = false
  /// Nanoseconds in host calls after which the guest yields.
  static let hostTimeOfASlice: UInt64 = 200_000
  var lineCount = 0
  /// The `retryAfter` of the last refused call.
  var retryAfter: Duration?
  /// The host call that the guest waits for.
  var waiting: PendingCall?
  /// The function that suspends the guest; nil for guests that may not wait.
  private(set) var suspension: wasmtime_func_t?
  private let suspensionModule: PreparedModule?
  /// Called when the pending host call is answered, so that the guest is run again.
  var onWake: (() -> Void)?
  /// Called with true before a slice, and with false after it.
  var onSlice: ((Bool) -> Void)?
  /// Nanoseconds since `refill`: in host calls, on the processor, and waiting in host calls.
  var hostTime: UInt64 = 0
  private var runTime: UInt64 = 0
  private var waitTime: UInt64 = 0
  /// Standard output without a line end.
  var partialLine: [UInt8] = []

  var functions: openstarry_wasmtime { unsafe module.engine.library.functions.pointee }
  var isBusy: Bool { unsafe future != nil }

  init(
    _ module: PreparedModule, _ limits: GuestLimits, host: any AgentHost, clock: any Timekeeper,
    _ environment: GuestEnvironment, suspension: PreparedModule? = nil
  ) {
    self.module = module
    suspensionModule = suspension
    self.limits = limits
    self.host = host
    limiter = host as? any MemoryLimiter
    memoryLimit = limits.memory
    self.clock = clock
    variables = environment.variables
    files = GuestFiles(environment.plugins, environment.quota)
    let functions = unsafe module.engine.library.functions.pointee
    unsafe call = .allocate(capacity: 1)
    unsafe call.initialize(to: openstarry_call())
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(to: wasmtime_memory_t())
    // SAFETY: the store is deleted in deinit, before the structures that calls write to. It retains `link`, which holds the
    // guest weakly; host functions find the guest there.
    let link = Link()
    unsafe storePointer = unsafe functions.wasmtime_store_new(
      module.engine.pointer, Unmanaged.passRetained(link).toOpaque(),
      { unsafe Unmanaged<Link>.fromOpaque($0!).release() })
    unsafe context = unsafe functions.wasmtime_store_context(storePointer)
    link.guest = self
    setMemoryLimit()
  }

  deinit {
    withdraw()
    // SAFETY: no call runs, because a running call retains the guest.
    if let future = unsafe future { unsafe functions.wasmtime_call_future_delete(future) }
    unsafe functions.wasmtime_store_delete(storePointer)
    unsafe call.deallocate()
    unsafe memory.deallocate()
  }

  // MARK: Calls

  /// Counts a host call. After some calls the guest yields as soon as it is back in its own code, because the engine does not
  /// count the host's time.
  /// - Returns: the present time.
  func enter() throws(GuestFault) -> Instant {
    guard host != nil else { throw .stopped }
    guard !isAllocating else { throw .reentrant }
    callCount += 1
    guard callCount <= limits.calls else { throw .tooManyCalls(limits.calls) }
    let now = clock.now
    guard now < deadline else { throw .late }
    callsInSlice += 1
    guard callsInSlice <= Self.callsInOneGo else { throw .inOneGo }
    if callsInSlice == Self.callsOfASlice { yieldSoon() }
    return now
  }

  /// Ends a host call. After a long time in host calls the guest yields as soon as it is back in its own code.
  func leave(since start: Instant) {
    let time = clock.now.nanoseconds - start.nanoseconds
    hostTime += time
    hostTimeInSlice += time
    if hostTimeInSlice > Self.hostTimeOfASlice { yieldSoon() }
  }

  /// Counts bytes that a host call transfers.
  func charge(_ bytes: Int) throws(GuestFault) {
    bytesInSlice += bytes
    guard bytesInSlice <= Self.bytesInOneGo else { throw .inOneGo }
    if bytesInSlice > Self.bytesOfASlice { yieldSoon() }
  }

  /// Ends the slice as soon as the guest is back in its own code.
  func yieldSoon() {
    isSliceCut = true
    setSlice(1)
  }

  /// Continues with the rest of the slice; setting fuel would begin a new one.
  func resumeSlice(fuelLeft: UInt64) {
    let used = fuelAtSlice - min(fuelLeft, fuelAtSlice)
    isSliceCut = true
    let isUsedUp =
      callsInSlice >= Self.callsOfASlice || bytesInSlice > Self.bytesOfASlice
      || hostTimeInSlice > Self.hostTimeOfASlice
    setSlice(!isUsedUp && used < limits.slice ? limits.slice - used : 1)
  }

  /// Sets the fuel until the guest yields, and begins a new slice.
  func setSlice(_ fuel: UInt64) {
    // SAFETY: fuel is on, so it cannot fail.
    _ = unsafe functions.wasmtime_context_fuel_async_yield_interval(context, fuel)
  }

  /// Begins an activation with full fuel and time.
  func refill() {
    callCount = 0
    lineCount = 0
    (hostTime, runTime, waitTime) = (0, 0, 0)
    began = clock.now
    deadline = began + limits.activation
    // SAFETY: fuel is on, so it cannot fail.
    _ = unsafe functions.wasmtime_context_set_fuel(context, limits.instructions)
    (callsInSlice, bytesInSlice, hostTimeInSlice, isSliceCut) = (0, 0, 0, true)
  }

  /// Excludes a wait in a host call from the activation's time.
  func noteWait(of time: Duration) {
    waitTime += UInt64(clamping: time.nanoseconds)
    deadline = deadline + time
  }

  /// The cost since `refill`.
  var cost: ActivationCost {
    ActivationCost(
      fuel: usedFuel, peakMemory: memorySize, hostCalls: callCount, hostTime: hostTime, runTime: runTime,
      totalTime: clock.now.nanoseconds - began.nanoseconds, waitTime: waitTime)
  }

  /// The remaining fuel.
  var fuelLeft: UInt64 {
    var left: UInt64 = 0
    _ = unsafe functions.wasmtime_context_get_fuel(context, &left)
    return left
  }

  /// The fuel that the activation has used.
  var usedFuel: UInt64 { limits.instructions - min(fuelLeft, limits.instructions) }

  private func setMemoryLimit() {
    // SAFETY: the store is the guest's own. The limits apply when memory grows.
    unsafe functions.wasmtime_store_limiter(
      storePointer, Int64(memoryLimit), 10_000, suspensionModule == nil ? 1 : 2, 4, 1)
  }

  /// Reports its memory, and limits it to the rest of its parents' budgets. Only one guest runs at a time, so that rest does
  /// not change during a slice.
  private func settleMemory() {
    guard let limiter else { return }
    let held = memorySize
    let room = limiter.memory(holding: Int64(held))
    let most = min(limits.memory, max(held, room.map { Int(clamping: $0.bytes) } ?? .max))
    shortOf = most < limits.memory ? room : nil
    guard most != memoryLimit else { return }
    memoryLimit = most
    setMemoryLimit()
  }

  /// Its memory limit in words, with the budget that causes it.
  var memoryText: String {
    shortOf.map { "\(memoryLimit) bytes of memory that budget.memory of its parent '\($0.parent)' leaves" }
      ?? "\(memoryLimit) bytes of its memory"
  }

  /// The size of its memory, in bytes.
  var memorySize: Int { isReady ? unsafe functions.wasmtime_memory_data_size(context, memory) : 0 }

  /// Begins to instantiate the module. Call `refill` before.
  func instantiate(_ done: @escaping (Result<Int32, AgentFailure>) -> Void) {
    guard let suspensionModule else { return instantiate(module, done) }
    instantiate(suspensionModule) { [self] result in
      if case .failure = result { return done(result) }
      unsafe suspension = unsafe export(SuspensionModule.export).map { unsafe $0.of.func }
      instantiate(module, done)
    }
  }

  private func instantiate(_ module: PreparedModule, _ done: @escaping (Result<Int32, AgentFailure>) -> Void) {
    completion = done
    // SAFETY: `call` stays where it is until the future is deleted.
    unsafe future = unsafe functions.wasmtime_instance_pre_instantiate_async(
      module.pre, context, &call.pointee.instance, &call.pointee.trap, &call.pointee.error)
  }

  /// Whether it exports a function; only after `instantiate`.
  func has(_ export: String) -> Bool { unsafe function(export) != nil }

  /// Begins a call of an exported function with at most four `i32` arguments.
  /// - Parameter results: 0 or 1.
  func begin(
    _ export: String, _ arguments: [Int32], results: Int, _ done: @escaping (Result<Int32, AgentFailure>) -> Void
  ) {
    guard let function = unsafe function(export) else {
      return done(.failure(AgentFailure(.crash, "it has no function '\(export)'")))
    }
    completion = done
    unsafe call.pointee.function = unsafe function
    for (index, value) in arguments.enumerated() { unsafe openstarry_call_set(call, Int32(index), value) }
    // SAFETY: as in `instantiate`; the signature was checked before the module was compiled.
    unsafe future = unsafe functions.wasmtime_func_call_async(
      context, &call.pointee.function, openstarry_call_arguments(call), arguments.count,
      openstarry_call_results(call), results, &call.pointee.trap, &call.pointee.error)
  }

  /// Runs a slice. If a call ends and another begins, that runs as well.
  func step() -> SliceQueue.Outcome {
    repeat {
      guard let running = unsafe future, !isPolling, waiting == nil else { return .done }
      if isSliceCut { setSlice(limits.slice) }
      (callsInSlice, bytesInSlice, hostTimeInSlice, isSliceCut, fuelAtSlice) = (0, 0, 0, false, fuelLeft)
      settleMemory()
      isPolling = true
      let start = clock.now
      onSlice?(true)
      let isDone = unsafe functions.wasmtime_call_future_poll(running)
      onSlice?(false)
      let end = clock.now
      runTime += end.nanoseconds - start.nanoseconds
      isPolling = false
      settleMemory()
      if isDone {
        finish(outcome())
      } else if isStopAsked {
        finish(.failure(AgentFailure(.killed, "it was stopped")))
      } else if waiting != nil {
        return .done
      } else if end >= deadline {
        finish(.failure(AgentFailure(.activation, "it took longer than \(limits.activation.text)")))
      } else {
        return .more
      }
    } while isBusy
    return .done
  }

  /// Ends the running call, if there is one: now, or when its host call returns.
  func cancel() {
    isStopAsked = true
    host = nil
    limiter = nil
    if !isPolling && isBusy { finish(.failure(AgentFailure(.killed, "it was stopped"))) }
  }

  private func finish(_ result: Result<Int32, AgentFailure>) {
    withdraw()
    // SAFETY: the future is ours and does not run; deleting a suspended one unwinds its stack.
    if let done = unsafe future { unsafe functions.wasmtime_call_future_delete(done) }
    unsafe future = nil
    let completion = self.completion.take()
    completion?(result)
  }

  private func outcome() -> Result<Int32, AgentFailure> {
    let engine = module.engine
    if let error = unsafe call.pointee.error.take() {
      let text = unsafe engine.take(error: error)
      // An error of a host function arrives as an error with a backtrace, not as a trap.
      return .failure(fault == nil ? failure(error: text) : TrapText.failure(code: nil, text, guest: self))
    }
    if let trap = unsafe call.pointee.trap.take() {
      let (code, text) = unsafe engine.take(trap: trap)
      return .failure(TrapText.failure(code: code, text, guest: self))
    }
    return .success(unsafe call.pointee.results.of.i32)
  }

  private func failure(error text: String) -> AgentFailure {
    text.holds("exceeds memory limits") || text.holds("memory minimum size")
      ? AgentFailure(
        .memory, "it needs more than the \(shortOf == nil ? "\(limits.memory) bytes of its budget" : memoryText)")
      : AgentFailure(.crash, LogText.text(text))
  }

  /// Finds the memory and the encoding; call it after `instantiate` has succeeded.
  /// - Returns: false if there is no memory.
  func attach() -> Bool {
    guard let found = unsafe export(ABI.memory), unsafe found.kind == UInt8(OPENSTARRY_EXTERN_MEMORY) else {
      return false
    }
    unsafe memory.pointee = unsafe found.of.memory
    isReady = true
    if has(ABI.cbor) { encoding = .cbor }
    settleMemory()
    return true
  }

  func function(_ name: String) -> wasmtime_func_t? {
    if let known = unsafe exports[name] { return unsafe known }
    guard let found = unsafe export(name), unsafe found.kind == UInt8(OPENSTARRY_EXTERN_FUNC) else { return nil }
    unsafe exports[name] = unsafe found.of.func
    return unsafe found.of.func
  }

  private func export(_ name: String) -> wasmtime_extern_t? {
    var found = unsafe wasmtime_extern_t()
    var name = name
    // SAFETY: the name is valid for its count during the call; `found` is only used if true is returned.
    let isThere = name.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
        unsafe bytes.baseAddress.map {
          unsafe functions.wasmtime_instance_export_get(context, &call.pointee.instance, $0, bytes.count, &found)
        } ?? false
      }
    }
    return isThere ? unsafe found : nil
  }
}
