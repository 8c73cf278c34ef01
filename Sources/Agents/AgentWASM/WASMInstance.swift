import Agent
import Model

/// A running agent: a warm guest that keeps its state between events, or a fresh one for every event.
final class WASMInstance: AgentInstance {
  private let manifest: Manifest
  private let module: PreparedModule
  private let limits: GuestLimits
  private let clock: any Timekeeper
  private let slices: SliceQueue
  private let environment: GuestEnvironment
  private let isFresh: Bool
  private let witness: (any CodeWitness)?
  private let suspension: PreparedModule?
  /// The current call, for the witness.
  private var running: (call: CodeCall, event: Event?) = (.start, nil)
  private var host: (any AgentHost)?
  private var guest: Guest?
  /// The failure after which nothing of the guest may run.
  private var failure: AgentFailure?
  private var isBusy = false
  private var isActivation = false
  private var hasEnded = false
  private var next: (() -> Void)?
  private var waitingForEnd: [() -> Void] = []
  private var ended: ((AgentEnd) -> Void)?
  private var lastSnapshot = Value.map([:])

  private(set) var lastCost: ActivationCost?

  init(
    _ manifest: Manifest, _ module: PreparedModule, _ limits: GuestLimits, _ host: any AgentHost,
    _ clock: any Timekeeper, _ slices: SliceQueue, _ environment: GuestEnvironment,
    _ witness: (any CodeWitness)? = nil, suspension: PreparedModule? = nil, ended: @escaping (AgentEnd) -> Void
  ) {
    self.ended = ended
    self.witness = witness
    self.suspension = suspension
    self.manifest = manifest
    self.module = module
    self.limits = limits
    self.host = host
    self.clock = clock
    self.slices = slices
    self.environment = environment
    isFresh = manifest.runtime.instance == .fresh
  }

  var pid: Int32? { nil }

  /// Creates the guest and runs its start functions.
  func start(_ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    isBusy = true
    boot { [self] result in end(result, done) }
  }

  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    if hasEnded { return done(.failure(AgentFailure(.error, "agent '\(manifest.id)' has ended"))) }
    if let failure { return done(.failure(failure)) }
    if isBusy {
      // Its report is being taken.
      next = { [self] in activate(event, done) }
      return
    }
    (isBusy, isActivation) = (true, true)
    running = (.activation, event)
    if isFresh {
      guest = nil
      boot { [self] result in
        switch result {
        case .success: deliver(event) { [self] in end($0, done) }
        case .failure(let failure): end(.failure(failure), done)
        }
      }
    } else {
      guest?.refill()
      deliver(event) { [self] in end($0, done) }
      drive()
    }
  }

  func snapshot(_ done: @escaping (Value) -> Void) {
    guard !isBusy, !hasEnded, failure == nil, let guest, guest.has(ABI.snapshot) else { return done(lastSnapshot) }
    isBusy = true
    running = (.snapshot, nil)
    guest.refill()
    guest.begin(ABI.snapshot, [], results: 1) { [self] result in
      var outcome = result.map { _ in }
      if case .success(let place) = result {
        let place = UInt32(bitPattern: place)
        do throws(GuestFault) {
          let text = try guest.bytes(try guest.word(at: place), try guest.word(at: place &+ 4))
          do throws(AgentError) {
            let value = try guest.encoding.decode(text, limits: PayloadEncoding.reportLimits)
            if value.map != nil { lastSnapshot = value }
          } catch {
            lastSnapshot = ["error": .string("its report cannot be read: \(error.message)")]
          }
        } catch {
          outcome = .failure(AgentFailure(.crash, error.description))
        }
        return tidy(guest, ABI.finish(ABI.snapshot), place, outcome) { [self] in
          end($0) { [self] _ in done(lastSnapshot) }
        }
      }
      end(outcome) { [self] _ in done(lastSnapshot) }
    }
    drive()
  }

  func stop(now: Bool, _ done: @escaping () -> Void) {
    hasEnded = true
    ended = nil
    waitingForEnd.append(done)
    if !isBusy { return tellEnd() }
    if now { guest?.cancel() }
  }

  // MARK: Steps

  private func boot(_ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    guard let host else { return done(.failure(AgentFailure(.killed, "it was stopped"))) }
    let guest = Guest(module, limits, host: host, clock: clock, environment, suspension: suspension)
    self.guest = guest
    guest.onWake = { [weak self] in self?.drive() }
    guest.onSlice = { [weak self] isBeginning in
      guard let self, let witness else { return }
      if isBeginning { witness.begin(running.call, manifest.id, running.event) } else { witness.end() }
    }
    guest.refill()
    guest.instantiate { [self] result in
      if case .failure(let failure) = result { return done(.failure(failure)) }
      guard guest.attach() else { return done(.failure(AgentFailure(.startFailed, "it has no memory"))) }
      initialise(guest, done)
    }
    drive()
  }

  private func initialise(_ guest: Guest, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    func begin() {
      guard guest.has(ABI.start) else { return done(.success(())) }
      guest.begin(ABI.start, [], results: 1) { [self] in read(guest, ABI.start, $0, done) }
    }
    guard guest.has(ABI.initialise) else { return begin() }
    guest.begin(ABI.initialise, [], results: 0) { result in
      if case .failure(let failure) = result { return done(.failure(failure)) }
      begin()
    }
  }

  private func deliver(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    guard let guest else { return done(.failure(AgentFailure(.error, "it is not running"))) }
    let text = guest.encoding.encode(event)
    guard text.count <= Guest.longest else {
      return done(.failure(AgentFailure(.error, "the event has \(text.count) bytes, more than \(Guest.longest)")))
    }
    guest.begin(ABI.allocate, [0, 0, 1, Int32(text.count)], results: 1) { [self] result in
      switch result {
      case .failure(let failure): done(.failure(failure))
      case .success(let place):
        do throws(GuestFault) {
          try guest.write(text, at: UInt32(bitPattern: place))
        } catch {
          return done(.failure(AgentFailure(.crash, "\(ABI.allocate): \(error)")))
        }
        guest.begin(ABI.handle, [place, Int32(text.count)], results: 1) { [self] in read(guest, ABI.handle, $0, done) }
      }
    }
  }

  /// Reads a `result<_, string>`.
  private func read(
    _ guest: Guest, _ export: String, _ result: Result<Int32, AgentFailure>,
    _ done: @escaping (Result<Void, AgentFailure>) -> Void
  ) {
    guard case .success(let returned) = result else { return done(result.map { _ in }) }
    let place = UInt32(bitPattern: returned)
    var outcome: Result<Void, AgentFailure> = .success(())
    do throws(GuestFault) {
      if try guest.byte(at: place) != 0 {
        let message = try guest.bytes(try guest.word(at: place &+ 4), try guest.word(at: place &+ 8))
        outcome = .failure(AgentFailure(.error, LogText.text(String(decoding: message, as: UTF8.self))))
      }
    } catch {
      outcome = .failure(AgentFailure(.crash, "the result of '\(export)': \(error)"))
    }
    tidy(guest, ABI.finish(export), place, outcome, done)
  }

  private func tidy(
    _ guest: Guest, _ export: String, _ place: UInt32, _ outcome: Result<Void, AgentFailure>,
    _ done: @escaping (Result<Void, AgentFailure>) -> Void
  ) {
    guard guest.has(export) else { return done(outcome) }
    guest.begin(export, [Int32(bitPattern: place)], results: 0) { result in
      if case .failure(let failure) = result { return done(.failure(failure)) }
      done(outcome)
    }
  }

  private func drive() {
    guard let guest, guest.isBusy else { return }
    slices.add(manifest.policy.priority) { guest.step() }
  }

  private func end(_ result: Result<Void, AgentFailure>, _ done: (Result<Void, AgentFailure>) -> Void) {
    if let guest {
      guest.flushOutput()
      if isActivation { lastCost = guest.cost }
    }
    // After an error that the handler returned, the guest is consistent. After any other failure it may not be.
    if case .failure(let found) = result, found.reason != .error {
      failure = found
      guest = nil
    }
    if isFresh { guest = nil }
    (isBusy, isActivation) = (false, false)
    done(result)
    if hasEnded { return tellEnd() }
    // The failure of a start or an activation is its result. A failed report ends the instance.
    if let failure, running.call == .snapshot {
      let leavesEvent = next.take() != nil
      let ended = self.ended.take()
      ended?(AgentEnd(failure, leavesEvent: leavesEvent))
      return
    }
    if let next = next.take() { next() }
  }

  private func tellEnd() {
    guest = nil
    host = nil
    if let next = next.take() { next() }
    let waiting = waitingForEnd
    waitingForEnd = []
    for done in waiting { done() }
  }
}
