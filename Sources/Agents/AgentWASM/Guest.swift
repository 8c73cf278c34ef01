import Agent
import CWasmtime
import Model

/// One instance of a module: its memory, its fuel, and the call that runs in it, if one does.
///
/// At most one call at a time. The call is advanced a slice of fuel at a time by `SliceQueue`; between slices it costs
/// its stack. After a failure nothing may be called any more.
@safe final class Guest {
  /// What a store has of its guest.
  final class Link {
    weak var guest: Guest?
  }

  /// The most bytes that cross in one argument or result.
  static let longest = 1 << 20
  /// The most bytes of a name: of a device, an event, a key.
  static let longestName = Name.longest

  let module: PreparedModule
  let limits: GuestLimits
  let clock: any Timekeeper
  let environment: [String]
  let files: GuestFiles
  private(set) var host: (any AgentHost)?
  private weak var giver: (any MemoryGiver)?
  /// The most bytes of memory that the engine gives it, and whose budget it is where that is less than its own.
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
  /// Calls of the host since the guest last yielded.
  private(set) var callsInSlice = 0
  static let callsOfASlice = 64
  /// Code without a loop or a call of its own never looks at its fuel and cannot yield; what the host does for it in one go
  /// is bounded: so many calls, and so many bytes.
  static let callsInOneGo = 512
  static let bytesInOneGo = 4 << 20
  /// Bytes that calls of the host have moved since the guest last yielded; those of texts that are taken apart count as eight.
  private var bytesInSlice = 0
  /// Bytes after which the guest is to yield.
  static let bytesOfASlice = 256 << 10
  /// Nanoseconds within calls of the host since the guest last yielded.
  private var hostTimeInSlice: UInt64 = 0
  /// What was left when the slice began, and whether the slice is no longer as long as it should be.
  private var fuelAtSlice: UInt64 = 0
  private var isSliceCut = false
  /// Nanoseconds in calls of the host that use up a slice.
  static let hostTimeOfASlice: UInt64 = 200_000
  var lineCount = 0
  /// Of the call that was refused last.
  var retryAfter: Duration?
  /// The call of the host that the guest sleeps in.
  var waiting: HostWait?
  /// Where it sleeps; nil for one that may not.
  private(set) var bed: wasmtime_func_t?
  private let bedModule: PreparedModule?
  /// Called when what it slept in is answered: it wants to be run on.
  var onWake: (() -> Void)?
  /// Called when its code begins to run, and when it yields or has returned.
  var onSlice: ((Bool) -> Void)?
  /// Nanoseconds since `refill`: in calls of the host, on the processor, and asleep in a call of the host.
  var hostTime: UInt64 = 0
  private var runTime: UInt64 = 0
  private var waitTime: UInt64 = 0
  /// Output without a line end yet.
  var partialLine: [UInt8] = []

  var functions: openstarry_wasmtime { unsafe module.engine.library.functions.pointee }
  var isBusy: Bool { unsafe future != nil }

  init(
    _ module: PreparedModule, _ limits: GuestLimits, host: any AgentHost, clock: any Timekeeper,
    _ surroundings: GuestSurroundings, bed: PreparedModule? = nil
  ) {
    self.module = module
    bedModule = bed
    self.limits = limits
    self.host = host
    giver = host as? any MemoryGiver
    memoryLimit = limits.memory
    self.clock = clock
    environment = surroundings.environment
    files = GuestFiles(surroundings.plugins, surroundings.quota)
    let functions = unsafe module.engine.library.functions.pointee
    unsafe call = .allocate(capacity: 1)
    unsafe call.initialize(to: openstarry_call())
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(to: wasmtime_memory_t())
    // SAFETY: the store is deleted in deinit, before the structures that calls write to. It keeps `link`, which does
    // not keep the guest; host functions find it there.
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
    // SAFETY: nothing runs: whoever advances a call holds the guest.
    if let future = unsafe future { unsafe functions.wasmtime_call_future_delete(future) }
    unsafe functions.wasmtime_store_delete(storePointer)
    unsafe call.deallocate()
    unsafe memory.deallocate()
  }

  // MARK: Calls

  /// Counts a call of the host; after some, the guest yields as soon as it is back in its own code, since the engine
  /// does not see the time that the host takes.
  /// - Returns: now.
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

  /// Ends what `enter` began; after a long time in the host the guest yields as soon as it is back in its own code.
  func leave(since start: Instant) {
    let time = clock.now.nanoseconds - start.nanoseconds
    hostTime += time
    hostTimeInSlice += time
    if hostTimeInSlice > Self.hostTimeOfASlice { yieldSoon() }
  }

  /// A call of the host moves so many bytes.
  func charge(_ bytes: Int) throws(GuestFault) {
    bytesInSlice += bytes
    guard bytesInSlice <= Self.bytesInOneGo else { throw .inOneGo }
    if bytesInSlice > Self.bytesOfASlice { yieldSoon() }
  }

  /// The slice is used up by what the host did.
  func yieldSoon() {
    isSliceCut = true
    setSlice(1)
  }

  /// Goes on with what is left of the slice: to set fuel would begin a new one.
  func resumeSlice(fuelLeft: UInt64) {
    let used = fuelAtSlice - min(fuelLeft, fuelAtSlice)
    isSliceCut = true
    let isUsedUp =
      callsInSlice >= Self.callsOfASlice || bytesInSlice > Self.bytesOfASlice
      || hostTimeInSlice > Self.hostTimeOfASlice
    setSlice(!isUsedUp && used < limits.slice ? limits.slice - used : 1)
  }

  /// How much fuel the guest runs on before it yields; sets what is left of the slice back.
  func setSlice(_ fuel: UInt64) {
    // SAFETY: fuel is on, so it cannot fail.
    _ = unsafe functions.wasmtime_context_fuel_async_yield_interval(context, fuel)
  }

  /// Gives an activation its fuel and its time.
  func refill() {
    callCount = 0
    lineCount = 0
    (hostTime, runTime, waitTime) = (0, 0, 0)
    began = clock.now
    deadline = began + limits.activation
    // SAFETY: fuel is on, so neither can fail.
    _ = unsafe functions.wasmtime_context_set_fuel(context, limits.instructions)
    (callsInSlice, bytesInSlice, hostTimeInSlice, isSliceCut) = (0, 0, 0, true)
  }

  /// It has slept in a call of the host, which is not its own time.
  func noteWait(of time: Duration) {
    waitTime += UInt64(clamping: time.nanoseconds)
    deadline = deadline + time
  }

  /// What was used since `refill`.
  var cost: ActivationCost {
    ActivationCost(
      fuel: usedFuel, peakMemory: memorySize, hostCalls: callCount, hostTime: hostTime, runTime: runTime,
      totalTime: clock.now.nanoseconds - began.nanoseconds, waitTime: waitTime)
  }

  /// How much fuel is left.
  var fuelLeft: UInt64 {
    var left: UInt64 = 0
    _ = unsafe functions.wasmtime_context_get_fuel(context, &left)
    return left
  }

  /// How much of its fuel the activation has used.
  var usedFuel: UInt64 { limits.instructions - min(fuelLeft, limits.instructions) }

  private func setMemoryLimit() {
    // SAFETY: the store is the guest's own; limits are looked at when memory grows, whatever it has by then.
    unsafe functions.wasmtime_store_limiter(
      storePointer, Int64(memoryLimit), 10_000, bedModule == nil ? 1 : 2, 4, 1)
  }

  /// Says how much memory it has, and takes as a limit what its parents' budgets leave. Guests run one at a time: what is
  /// left before a slice is left until its end.
  private func settleMemory() {
    guard let giver else { return }
    let held = memorySize
    let room = giver.memory(holding: Int64(held))
    let most = min(limits.memory, max(held, room.map { Int(clamping: $0.bytes) } ?? .max))
    shortOf = most < limits.memory ? room : nil
    guard most != memoryLimit else { return }
    memoryLimit = most
    setMemoryLimit()
  }

  /// Its memory in words: whose budget counts.
  var memoryText: String {
    shortOf.map { "\(memoryLimit) bytes of memory that budget.memory of its parent '\($0.parent)' leaves" }
      ?? "\(memoryLimit) bytes of its memory"
  }

  /// Bytes of its memory.
  var memorySize: Int { isReady ? unsafe functions.wasmtime_memory_data_size(context, memory) : 0 }

  /// Begins to instantiate; `refill` comes before.
  func instantiate(_ done: @escaping (Result<Int32, AgentFailure>) -> Void) {
    guard let bedModule else { return instantiate(module, done) }
    instantiate(bedModule) { [self] result in
      if case .failure = result { return done(result) }
      unsafe bed = unsafe export(Bed.export).map { unsafe $0.of.func }
      instantiate(module, done)
    }
  }

  private func instantiate(_ module: PreparedModule, _ done: @escaping (Result<Int32, AgentFailure>) -> Void) {
    completion = done
    // SAFETY: `call` stays where it is until the future is deleted.
    unsafe future = unsafe functions.wasmtime_instance_pre_instantiate_async(
      module.pre, context, &call.pointee.instance, &call.pointee.trap, &call.pointee.error)
  }

  /// Whether it has the function; only after `instantiate`.
  func has(_ export: String) -> Bool { unsafe function(export) != nil }

  /// Begins a call of an exported function with `i32` arguments, at most four.
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

  /// Runs a slice; a call that begins as another one ends is run on.
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

  /// Ends the running call, if there is one: now, or when the host function it is in returns.
  func cancel() {
    isStopAsked = true
    host = nil
    giver = nil
    if !isPolling && isBusy { finish(.failure(AgentFailure(.killed, "it was stopped"))) }
  }

  private func finish(_ result: Result<Int32, AgentFailure>) {
    withdraw()
    // SAFETY: the future is ours and not running; deleting a suspended one unwinds its stack.
    if let done = unsafe future { unsafe functions.wasmtime_call_future_delete(done) }
    unsafe future = nil
    let completion = self.completion.take()
    completion?(result)
  }

  private func outcome() -> Result<Int32, AgentFailure> {
    let engine = module.engine
    if let error = unsafe call.pointee.error.take() {
      let text = unsafe engine.take(error: error)
      // What a host function refuses comes as an error with a backtrace, not as a trap.
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
      : AgentFailure(.crash, OneLine.text(text))
  }

  /// After `instantiate` has succeeded: finds the memory.
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
    // SAFETY: the name is valid for its count during the call; `found` is only used when true is returned.
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
