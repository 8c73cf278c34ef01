import Document
import MCP
import Model
import RPC

/// `resources/…` of both eras.
extension ServerMethods {
  static let resourceMethods: [Method<Exchange>] = [
    Method("resources/list", .view, "Lists what can be read.", .cursor, result: "resources") {
      exchange, cursor throws(RPCError) in
      try checkPage(cursor)
      exchange.server.board.catalogue { outcome in
        exchange.answer(outcome.map { ["resources": .list(Resource.listed($0).map { .map($0.entry) })] })
      }
      return nil
    },
    Method("resources/templates/list", .view, "Lists forms of URIs.", .cursor, result: "templates") {
      _, cursor throws(RPCError) in
      try checkPage(cursor)
      return ["resourceTemplates": .list(Resource.templates.map(Value.map))]
    },
    Method("resources/read", .view, "Reads a resource.", .uri, result: "its contents") {
      exchange, uri throws(RPCError) in
      exchange.server.board.catalogue { outcome in
        do throws(RPCError) {
          guard let resource = Resource.at(uri, try outcome.get()) else { throw noResource(uri, exchange.era) }
          read(resource, exchange)
        } catch { exchange.answer(.failure(error)) }
      }
      return nil
    },
  ]

  /// Only where there is a connection that remembers: the era of envelopes has `subscriptions/listen`.
  static let subscribeMethods: [Method<Exchange>] = [
    Method("resources/subscribe", .view, "Tells when a resource changes.", .uri, result: "nothing") {
      exchange, uri throws(RPCError) in
      exchange.server.board.catalogue { outcome in
        do throws(RPCError) {
          guard let resource = Resource.at(uri, try outcome.get()) else { throw noResource(uri, exchange.era) }
          try exchange.server.watches.subscribe(to: resource)
          exchange.answer(.success([:]))
        } catch { exchange.answer(.failure(error)) }
      }
      return nil
    },
    Method("resources/unsubscribe", .view, "Ends that.", .uri, result: "nothing") { exchange, uri throws(RPCError) in
      exchange.server.watches.unsubscribe(from: uri)
      return [:]
    },
  ]

  private static func read(_ resource: Resource, _ exchange: Exchange) {
    exchange.server.board.call(resource.method, resource.params, exchange.trace) { outcome in
      do throws(RPCError) {
        guard let content = resource.part(try outcome.get().result) else {
          throw noResource(resource.uri, exchange.era)
        }
        let text =
          switch content {
          case .json(let value): DataText.escaped(json: JSON.text(value))
          case .text(let text): text
          }
        exchange.answer(
          .success([
            "contents": [
              ["uri": .string(resource.uri), "mimeType": .string(resource.type), "text": .string(text)]
            ]
          ]))
      } catch {
        // What is not there is not there, whichever part of the board says so.
        let isMissing = [.notFound, .deviceNotFound].contains(error.known)
        exchange.answer(.failure(isMissing ? noResource(resource.uri, exchange.era) : error))
      }
    }
  }

  private static func noResource(_ uri: String, _ era: Era) -> RPCError {
    let code = era == .envelope ? RPCError.Code.invalidParams.rawValue : ErrorCode.resourceNotFound
    let shown = uri.cut(to: 256).printable
    return RPCError(code: code, message: "there is no resource '\(shown)'", data: ["uri": .string(shown)])
  }
}

extension Parameter where Argument == String {
  static var uri: Self { .required("uri", .anyText, "which") }
}
