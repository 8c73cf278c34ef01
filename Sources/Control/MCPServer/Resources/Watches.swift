import MCP
import Model
import RPC

/// Who is to be told what has changed: the subscriptions of a connection, and streams of `subscriptions/listen`.
///
/// Events come in floods, and a client only has to know that something is no longer as it was. Changes are gathered and
/// told twice a second at most.
final class Watches {
  /// How long changes are gathered.
  static let pace = Duration.milliseconds(500)
  /// The most streams, and the most resources of one.
  private static let (mostStreams, mostResources) = (16, 64)

  private let board: any BoardAccess
  /// Sends a notification of a connection in the era of the handshake.
  private let push: (String, Fields) -> Void
  /// By URI.
  private var subscribed: [String: Resource] = [:]
  private var streams: [RequestID: Stream] = [:]
  private var isFollowing = false
  private var timer: TimerID?

  /// One `subscriptions/listen`.
  private struct Stream {
    var exchange: Exchange
    var resources: [Resource]
    var tools = false
    var lists = false
    var dirty: Set<String> = []
  }
  private var dirty: Set<String> = []

  init(_ board: any BoardAccess, push: @escaping (String, Fields) -> Void) {
    self.board = board
    self.push = push
  }

  // MARK: Subscriptions of a connection

  /// - Throws: -32005 for too many.
  func subscribe(to resource: Resource) throws(RPCError) {
    guard subscribed[resource.uri] != nil || subscribed.count < Self.mostResources else { throw Self.tooMany }
    subscribed[resource.uri] = resource
    follow()
  }

  func unsubscribe(from uri: String) {
    subscribed[uri] = nil
    follow()
  }

  // MARK: Streams

  /// Opens a stream, and says what it will tell.
  /// - Throws: -32005 for too many.
  func listen(_ exchange: Exchange, _ filter: Fields, _ catalogue: Catalogue) throws(RPCError) {
    guard let id = exchange.request.id else { return }
    let uris = (filter["resourceSubscriptions"]?.list ?? []).compactMap(\.string)
    guard streams.count < Self.mostStreams, streams[id] == nil, uris.count <= Self.mostResources else {
      throw Self.tooMany
    }
    var stream = Stream(exchange: exchange, resources: uris.compactMap { Resource.at($0, catalogue) })
    stream.tools = filter["toolsListChanged"]?.bool == true
    stream.lists = filter["resourcesListChanged"]?.bool == true
    streams[id] = stream
    var honoured = Fields()
    if stream.tools { honoured["toolsListChanged"] = true }
    if stream.lists { honoured["resourcesListChanged"] = true }
    if !stream.resources.isEmpty {
      honoured["resourceSubscriptions"] = .list(stream.resources.map { .string($0.uri) })
    }
    tell(stream, "notifications/subscriptions/acknowledged", ["notifications": .map(honoured)])
    follow()
  }

  /// Ends a stream that its client has taken back.
  func cancel(_ id: RequestID) {
    streams.removeValue(forKey: id)?.exchange.drop()
    follow()
  }

  /// Ends all streams, because the server ends.
  func end() {
    let all = streams.values
    streams = [:]
    subscribed = [:]
    for stream in all { stream.exchange.answer(.success(["_meta": .map(Self.meta(stream))])) }
    follow()
  }

  // MARK: News

  /// Follows the events that concern somebody, and none when nobody is there.
  private func follow() {
    guard !subscribed.isEmpty || !streams.isEmpty else {
      if isFollowing { board.unfollow() }
      return isFollowing = false
    }
    board.narrow(to: Resource.patterns(of: subscribed.values + streams.values.flatMap(\.resources)))
    guard !isFollowing else { return }
    isFollowing = true
    board.follow { [weak self] in self?.take($0) }
  }

  private func take(_ news: News) {
    switch news {
    case .event(let event): mark { $0.changes(with: event) }
    case .missed: mark { _ in true }
    }
  }

  /// Other tools, or other resources.
  func catalogueChanged() {
    push("notifications/tools/list_changed", [:])
    push("notifications/resources/list_changed", [:])
    for stream in streams.values {
      if stream.tools { tell(stream, "notifications/tools/list_changed", [:]) }
      if stream.lists { tell(stream, "notifications/resources/list_changed", [:]) }
    }
    mark { _ in true }
  }

  private func mark(_ isChanged: (Resource) -> Bool) {
    for (uri, resource) in subscribed where isChanged(resource) { dirty.insert(uri) }
    for (id, stream) in streams {
      for resource in stream.resources where isChanged(resource) { streams[id]?.dirty.insert(resource.uri) }
    }
    guard timer == nil, !dirty.isEmpty || streams.values.contains(where: { !$0.dirty.isEmpty }) else { return }
    timer = board.time.schedule(after: Self.pace) { [weak self] in self?.flush() }
  }

  private func flush() {
    timer = nil
    for uri in dirty.sorted() where subscribed[uri] != nil {
      push("notifications/resources/updated", ["uri": .string(uri)])
    }
    dirty = []
    for (id, stream) in streams.sorted(by: { "\($0.key)" < "\($1.key)" }) {
      for uri in stream.dirty.sorted() { tell(stream, "notifications/resources/updated", ["uri": .string(uri)]) }
      streams[id]?.dirty = []
    }
  }

  private func tell(_ stream: Stream, _ method: String, _ params: Fields) {
    var params = params
    params["_meta"] = .map(Self.meta(stream))
    stream.exchange.notify(method, params)
  }

  private static func meta(_ stream: Stream) -> Fields {
    let id: Value =
      switch stream.exchange.request.id {
      case .number(let number): .int(number)
      case .text(let text): .string(text)
      case nil: .null
      }
    return [EnvelopeKey.subscriptionID: id]
  }

  private static let tooMany = RPCError(
    .rateLimited, "at most \(mostStreams) streams, and \(mostResources) resources of each", hint: "end some")
}
