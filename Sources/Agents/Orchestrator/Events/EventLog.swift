import EventLoop
import Model

/// Gives every event its id, time and place in the causal chain, keeps it, and hands it on.
///
/// Events live in a ring in memory, bounded in number and bytes. In addition each device keeps the chain that led to
/// its last change, so that `why` still answers when the ring has overwritten it.
package final class EventLog: EventSink, EventHistory {
  private let clock: any Timekeeper
  private let later: (@escaping () -> Void) -> Void
  private let depthLimit: Int
  private var ring: Ring<Event>
  private var ids = ULIDGenerator()
  private var listeners: [(id: UInt64, pattern: EventPattern, onEvent: (Event) -> Void)] = []
  private var lastListener: UInt64 = 0
  private var backlog = Backlog(limit: queueLimit, bytes: queueBytes)
  private var isDispatching = false
  /// By device, newest first.
  private var chains: [String: [Event]] = [:]
  private var traceLimit = TraceLimit()
  private var synchronised = (is: false, until: Instant(nanoseconds: 0))

  /// Takes each event for rules and subscribed agents, after the publishing call has returned to the loop.
  package var dispatch: (Event) -> Void = { _ in }

  /// Takes an event that only some rules or agents get.
  package var dispatchTo: (Event, Audience) -> Void = { _, _ in }
  /// Called with an event that is not handed on, because its chain or the backlog is too long; nil for one that was to be
  /// handed on, and gave way to another.
  var onDrop: (Event?) -> Void = { _ in }

  /// Who gets the events that are published now; nil for everybody.
  private var audience: Audience?
  /// The audiences of waiting events that not everybody gets.
  private var audiences: [ULID: Audience] = [:]

  /// How many events were published since the start.
  package private(set) var total: UInt64 = 0

  /// How many events were not handed on because too many were waiting, or too many had the same origin.
  package private(set) var shed: UInt64 = 0

  /// How many events wait to be handed on.
  package var waiting: Int { backlog.count }

  /// How many events were handed on since the start.
  package private(set) var handedOn: UInt64 = 0

  /// The most events that wait to be handed on. Beyond it the least urgent are shed.
  static let queueLimit = 4096

  /// The most memory of the waiting events, in bytes.
  static let queueBytes = 4 << 20

  /// The most memory of a chain of causes, in bytes. A longer chain loses its beginning.
  static let chainBytes = 64 << 10

  /// The most events that are handed on before agents, descriptors and timers get their turn.
  static let eventsPerTurn = 64

  /// Makes an empty log.
  /// - Parameters:
  ///   - capacity: how many events the ring keeps.
  ///   - depthLimit: the greatest depth of a causal chain.
  ///   - later: runs an action after the current handler, before the loop waits.
  package init(
    clock: any Timekeeper, capacity: Int, depthLimit: Int, later: @escaping (@escaping () -> Void) -> Void
  ) {
    self.clock = clock
    self.depthLimit = depthLimit
    self.later = later
    ring = Ring(capacity: capacity)
  }

  /// A log on a loop.
  package convenience init(on loop: any Loop, capacity: Int, depthLimit: Int) {
    self.init(clock: loop, capacity: capacity, depthLimit: depthLimit, later: { loop.later($0) })
  }

  /// Hands every event to rules and agents from now on. Retains neither.
  package func handOut(to rules: RuleRunner, _ agents: AgentSupervisor) {
    onDrop = { [unowned rules] in rules.missed($0) }
    dispatch = { [unowned rules, unowned agents] event in
      rules.handle(event)
      agents.handle(event)
    }
    dispatchTo = { [unowned rules, unowned agents] event, audience in
      switch audience {
      case .rules(let ids): rules.handle(event, only: ids)
      case .agents(let ids): agents.handle(event, only: ids)
      }
    }
  }

  /// Call it when the wall clock was set: it may be synchronised now.
  package func clockWasSet() { synchronised.until = Instant(nanoseconds: 0) }

  // MARK: EventSink

  package func publish(
    _ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields
  ) -> Event {
    let (event, bytes) = keep(type, source: source, cause: cause, priority: priority, payload: payload)
    // What nobody is to act on takes no room from what somebody does.
    if audience == .nobody { return event }
    if event.depth > depthLimit {
      cut(event, limit: depthLimit)
      onDrop(event)
    } else if event.depth == 0 {
      enqueue(event, bytes)
    } else {
      switch traceLimit.count(event.trace, at: clock.now) {
      case .handOn: enqueue(event, bytes)
      case .cut(let isFirst):
        shed += 1
        if isFirst { cut(event, limit: TraceLimit.most, within: TraceLimit.window) }
        onDrop(event)
      }
    }
    return event
  }

  package func address<Made>(_ audience: Audience, _ work: () -> Made) -> Made {
    let outer = self.audience
    self.audience = audience
    defer { self.audience = outer }
    return work()
  }

  /// Publishes that the chain was cut at an event. Neither that event nor this report is handed on.
  private func cut(_ event: Event, limit: Int, within window: Duration? = nil) {
    let word = SystemEvents.chainCut(at: event.type, limit: limit, trace: event.trace, within: window)
    _ = keep(
      word.type, source: "system", cause: Cause(event), priority: word.priority, payload: word.payload)
  }

  private func keep(
    _ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields
  ) -> (Event, bytes: Int) {
    let now = clock.now
    let wall = clock.wallMilliseconds
    if now >= synchronised.until { synchronised = (clock.wallIsSynchronised, now + .seconds(10)) }
    let event = Event(
      id: ids.next(at: wall), type: type, time: wall, clockSynchronised: synchronised.is, monotonic: now.nanoseconds,
      source: source, cause: cause?.id, trace: cause?.trace, depth: cause.map { $0.depth + 1 } ?? 0,
      priority: priority, payload: payload)
    total += 1
    let bytes = event.memory
    ring.append(event, bytes: bytes)
    // When a lease ends, the ring may have overwritten the command that it came from; the device's last chain still has
    // it.
    if type == DeviceEvents.changedName { keepChain(to: event, of: source) }
    tell(event)
    return (event, bytes)
  }

  private func keepChain(to event: Event, of device: String) {
    // Newest first, as the links are asked for.
    var known = (chains[device] ?? [])[...]
    chains[device] = links(to: event) { id in
      if let found = ring.find(id) { return found }
      guard let place = known.firstIndex(where: { $0.id == id }) else { return nil }
      known = known[place...]
      return known.first
    }
  }

  /// A chain, newest first, within `chainBytes`. It may be longer than the depth limit: the rounds of a mind are one hop.
  private func links(to event: Event?, _ find: (ULID) -> Event?) -> [Event] {
    var links: [Event] = []
    var bytes = 0
    var next = event
    while let link = next {
      bytes += link.memory
      if bytes > Self.chainBytes && !links.isEmpty { break }
      links.append(link)
      next = link.cause.flatMap(find)
    }
    return links
  }

  private func tell(_ event: Event) {
    for listener in listeners where listener.pattern.matches(event.type) { listener.onEvent(event) }
  }

  private func enqueue(_ event: Event, _ bytes: Int) {
    if let audience { audiences[event.id] = audience }
    let given = backlog.add(event, bytes: bytes)
    shed += UInt64(given)
    if given > 0 { onDrop(nil) }
    if !isDispatching {
      isDispatching = true
      later { [unowned self] in dispatchAll() }
    }
  }

  /// Hands waiting events on, most urgent first. Events that follow from them are handed on in the same turn, up to
  /// `eventsPerTurn`, so that the agent of the first event does not wait for a whole storm.
  private func dispatchAll() {
    for _ in 0..<Self.eventsPerTurn {
      guard let event = backlog.next() else {
        isDispatching = false
        // Audiences of events that were shed.
        audiences = [:]
        return
      }
      handOn(event)
    }
    // Continue after the work that is due now, so that leases end in time even in a storm.
    clock.schedule(after: .zero) { [unowned self] in dispatchAll() }
  }

  /// Hands on all waiting events, and those that follow from them, at once.
  package func handOnAll() { while let event = backlog.next() { handOn(event) } }

  private func handOn(_ event: Event) {
    let audience = audiences.isEmpty ? nil : audiences.removeValue(forKey: event.id)
    if event.depth > 0, traceLimit.isSpent(event.trace, at: clock.now) {
      shed += 1
      onDrop(event)
      return
    }
    handedOn += 1
    if let audience { dispatchTo(event, audience) } else { dispatch(event) }
  }

  // MARK: EventHistory

  package func events(matching pattern: EventPattern, last: Int, since: ULID?) -> [Event] {
    let start = since.map { since in ring.firstPosition { $0 > since } } ?? 0
    var found: [Event] = []
    for position in stride(from: ring.count - 1, through: start, by: -1) where found.count < last {
      if pattern.matches(ring[position].type) { found.append(ring[position]) }
    }
    return found.reversed()
  }

  package func event(_ id: ULID) -> Event? { ring.find(id) }

  package func chain(to event: ULID) -> [Event] {
    links(to: ring.find(event)) { ring.find($0) }.reversed()
  }

  package func chain(toLastChangeOf device: String) -> [Event] { (chains[device] ?? []).reversed() }

  package func listen(_ pattern: EventPattern, _ onEvent: @escaping (Event) -> Void) -> UInt64 {
    lastListener += 1
    listeners.append((lastListener, pattern, onEvent))
    return lastListener
  }

  package func endListen(_ listener: UInt64) { listeners.removeAll { $0.id == listener } }
}
