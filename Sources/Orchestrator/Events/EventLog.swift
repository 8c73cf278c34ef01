import Model

/// Where every event gets its id, its time and its place in the causal chain; where they are kept and handed on.
///
/// Events live in a memory ring. Besides, each device keeps the chain that led to its last change, so that `why`
/// answers long after the ring has moved on.
public final class EventLog: EventSink, EventHistory {
  private let clock: any Timekeeper
  private let later: (@escaping () -> Void) -> Void
  private let depthLimit: Int
  private var ring: EventRing
  private var ids = ULIDGenerator()
  private var listeners: [(id: UInt64, pattern: EventPattern, onEvent: (Event) -> Void)] = []
  private var lastListener: UInt64 = 0
  private var backlog = Backlog(limit: queueLimit)
  private var isDispatching = false
  private var chains: [String: [Event]] = [:]
  private var synchronised = (is: false, until: Instant(nanoseconds: 0))

  /// Hands each event to rules and subscribed agents, after the call that published it has returned to the loop.
  public var dispatch: (Event) -> Void = { _ in }

  /// How many events there have been since the start.
  public private(set) var total: UInt64 = 0

  /// How many events were not handed on because too many were waiting.
  public private(set) var shed: UInt64 = 0

  /// How many events wait to be handed on.
  public var waiting: Int { backlog.count }

  /// How many events have been handed on since the start.
  public private(set) var handedOn: UInt64 = 0

  /// The most events that wait to be handed on; beyond it the least urgent are shed.
  static let queueLimit = 4096

  /// Makes an empty log.
  /// - Parameters:
  ///   - capacity: how many events the ring keeps.
  ///   - depthLimit: how many hops a chain may have.
  ///   - later: runs an action after the current handler, before the loop waits.
  public init(
    clock: any Timekeeper, capacity: Int, depthLimit: Int, later: @escaping (@escaping () -> Void) -> Void
  ) {
    self.clock = clock
    self.depthLimit = depthLimit
    self.later = later
    ring = EventRing(capacity: capacity)
  }

  // MARK: EventSink

  public func publish(
    _ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields
  ) -> Event {
    let event = keep(type, source: source, cause: cause, priority: priority, payload: payload)
    if event.depth > depthLimit {
      // Kept and shown, but nothing follows from it: neither from the event nor from the word that it was cut.
      _ = keep(
        "system:chain_cut", source: "system", cause: Cause(event), priority: .high,
        payload: ["event": .string(type), "limit": .int(Int64(depthLimit)), "trace": .string("\(event.trace)")])
    } else {
      enqueue(event)
    }
    return event
  }

  private func keep(
    _ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields
  ) -> Event {
    let now = clock.now
    let wall = clock.wallMilliseconds
    if now >= synchronised.until { synchronised = (clock.wallIsSynchronised, now + .seconds(10)) }
    let event = Event(
      id: ids.next(at: wall), type: type, time: wall, clockSynchronised: synchronised.is, monotonic: now.nanoseconds,
      source: source, cause: cause?.id, trace: cause?.trace, depth: cause.map { $0.depth + 1 } ?? 0,
      priority: priority, payload: payload)
    total += 1
    ring.append(event)
    // The command that a lease came from may have left the ring when the lease ends; the last chain still has it.
    if type == "device:changed" { chains[source] = chain(to: event.id, known: chains[source] ?? []) }
    tell(event)
    return event
  }

  private func tell(_ event: Event) {
    for listener in listeners where listener.pattern.matches(event.type) { listener.onEvent(event) }
  }

  private func enqueue(_ event: Event) {
    if backlog.add(event) { shed += 1 }
    if !isDispatching {
      isDispatching = true
      later { [unowned self] in dispatchAll() }
    }
  }

  /// Hands on what waits, most urgent first. What that leads to is handed on in the same go, up to a bound that
  /// lets descriptors and timers have their turn.
  private func dispatchAll() {
    for _ in 0..<256 {
      guard let event = backlog.next() else {
        isDispatching = false
        return
      }
      handedOn += 1
      dispatch(event)
    }
    // After what is due and ready now: in a storm, leases still end in time.
    clock.schedule(after: .zero) { [unowned self] in dispatchAll() }
  }

  // MARK: EventHistory

  public func events(matching pattern: EventPattern, last: Int, since: ULID?) -> [Event] {
    let start = since.map { since in ring.firstPosition { $0.id > since } } ?? 0
    var found: [Event] = []
    for position in stride(from: ring.count - 1, through: start, by: -1) where found.count < last {
      if pattern.matches(ring[position].type) { found.append(ring[position]) }
    }
    return found.reversed()
  }

  public func event(_ id: ULID) -> Event? { ring.find(id) }

  public func chain(to event: ULID) -> [Event] { chain(to: event, known: []) }

  /// - Parameter known: events that are looked for besides those in the ring.
  private func chain(to event: ULID, known: [Event]) -> [Event] {
    var chain: [Event] = []
    var next: ULID? = event
    while let id = next, chain.count <= depthLimit + 2, let link = ring.find(id) ?? known.first(where: { $0.id == id })
    {
      chain.append(link)
      next = link.cause
    }
    return chain.reversed()
  }

  public func chain(toLastChangeOf device: String) -> [Event] { chains[device] ?? [] }

  public func listen(_ pattern: EventPattern, _ onEvent: @escaping (Event) -> Void) -> UInt64 {
    lastListener += 1
    listeners.append((lastListener, pattern, onEvent))
    return lastListener
  }

  public func endListen(_ listener: UInt64) { listeners.removeAll { $0.id == listener } }
}
