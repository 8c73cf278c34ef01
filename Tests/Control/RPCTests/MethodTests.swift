import Linux
import Model
import Testing

@testable import RPC

/// A session that records its answers.
private final class Caller: Session {
  let number: UInt64 = 1
  var underWay = 0
  var answers: [Result<Value, RPCError>] = []

  func begin() { underWay += 1 }
  func answer(_ request: Request, _ outcome: Result<Value, RPCError>) {
    underWay -= 1
    answers.append(outcome)
  }
  func answer(_ request: Request, _ result: Value, with file: consuming Descriptor) {
    answer(request, .success(result))
  }
  func subscribe(_ dialect: Dialect) throws(RPCError) -> Subscription { Subscription(1, dialect) }
  func unsubscribe(_ number: Int64) -> Bool { false }
  func notify(_ subscription: Subscription, _ method: String, _ params: @autoclosure () -> Fields) {}
  func end(_ subscription: Subscription, _ method: String, _ params: Fields) {}
  func notify(_ subscription: Subscription, _ method: String, _ params: Fields, with file: consuming Descriptor) {}
  func hasCaughtUp(butFor count: Int) -> Bool { true }
  func requireFilesTaken() throws(RPCError) {}
}

/// Tests methods on a transport other than a socket.
@Suite struct MethodTests {
  /// The context of the methods in this table.
  final class Context {
    let reply: Reply
    init(_ reply: Reply) { self.reply = reply }
  }

  private static let table = MethodTable<Context>([
    Method(
      "add", .view, "Adds.", Parameter.required("a", .integer(0...9), "the first", aliases: ["first"]),
      Parameter.optional("b", .integer(0...9), default: 2, "the second"),
      Parameter.optional("unit", .choice("m", "s"), "of both"), result: "`{\"sum\": N}`", errors: [.overloaded]
    ) { _, a, b, unit throws(RPCError) in
      if a == 9 { throw RPCError(.overloaded, "too much") }
      return ["sum": .int(a + b), "unit": unit.map(Value.string) ?? .null]
    },
    Method("later", .view, "Answers later.", result: "nothing") { _ throws(RPCError) in nil },
    Method("stop", .admin, "Stops.", result: "nothing") { _ throws(RPCError) in [:] },
  ])

  private func ask(_ method: String, _ params: Fields = [:], as role: Role = .view) -> Result<Value, RPCError>? {
    let caller = Caller()
    Self.table.dispatch(Reply(to: Request(id: .number(1), method: method, params: params), on: caller), as: role) {
      _, _ in Context(Reply(to: Request(id: nil, method: "inner"), on: Caller()))
    }
    #expect(caller.underWay == 0 && caller.answers.count == 1)
    return caller.answers.first
  }

  private func refusal(_ method: String, _ params: Fields = [:]) -> RPCError? {
    if case .failure(let error)? = ask(method, params) { error } else { nil }
  }

  @Test func argumentsArriveTypedWithDefaultsAndAliases() {
    #expect(ask("add", ["a": 1]) == .success(["sum": 3, "unit": .null]))
    #expect(ask("add", ["first": 1, "b": 5, "unit": "m"]) == .success(["sum": 6, "unit": "m"]))
    #expect(ask("add", ["a": 1, "b": .null]) == .success(["sum": 3, "unit": .null]))
  }

  @Test func wrongArgumentsNeverReachTheFunction() {
    for params: Fields in [
      [:], ["a": 10], ["a": "1"], ["a": 1, "first": 1], ["a": 1, "unit": "kg"], ["a": 1, "c": 1],
    ] {
      #expect(refusal("add", params)?.known == .invalidParams, "\(params)")
    }
    #expect(refusal("ad")?.hint == "did you mean 'add'?")
    #expect(refusal("stop")?.data == ["role": "view", "required": "admin", "hint": .string(Self.hint)])
    #expect(refusal("add", ["a": 9])?.known == .overloaded)
  }

  private static let hint = "'groups.admin' in openstarry.yaml names the group with this role"

  @Test func anAbandonedReplyIsAnsweredWithAnError() {
    #expect(refusal("later")?.message == "'later' ended without an answer")
  }

  @Test func theFirstAnswerCounts() {
    let caller = Caller()
    do {
      let reply = Reply(to: Request(id: .number(1), method: "x"), on: caller)
      #expect(caller.underWay == 1)
      reply.give(.success(1))
      reply.give(.success(2))
    }
    #expect(caller.answers == [.success(1)] && caller.underWay == 0)
  }

  @Test func theSchemaComesFromTheDeclaration() throws {
    let schema = try Self.table.method("add").schema
    #expect(
      Value.map(schema) == [
        "type": "object",
        "properties": [
          "a": ["type": "integer", "minimum": 0, "maximum": 9, "description": "the first"],
          "b": ["type": "integer", "minimum": 0, "maximum": 9, "description": "the second", "default": 2],
          "unit": ["type": "string", "enum": ["m", "s"], "description": "of both"],
        ], "additionalProperties": false, "required": ["a"],
      ])
    #expect(try Self.table.method("stop").schema["required"] == nil)
  }
}
