import Document
import MCP
import Model
import RPC

/// A tool's call that waits for a person.
///
/// Revision 2026-07-28 has a result for it, `input_required` (basic/patterns/mrtr): the client calls again with the
/// `requestState` of the answer, and that call waits. The state names the approval and has no authority. Earlier revisions
/// get an error, and the tool `approval`.
enum ApprovalRound {
  /// How long one call waits, in ms: less than clients wait for an answer.
  static let patience: Int64 = 20_000

  /// Answers a call whose command waits for a person.
  /// - Returns: whether that was so; otherwise the caller has to answer.
  static func begin(_ outcome: Result<Answer, RPCError>, _ arguments: Fields, _ exchange: Exchange) -> Bool {
    guard case .failure(let error) = outcome, error.known == .approvalNeeded,
      let approval = error.data["approval"]?.string
    else { return false }
    waits(approval, arguments, error.data, exchange)
    return true
  }

  /// Waits for the decision.
  /// - Parameter state: of an answer to the same call.
  static func wait(for state: String, of tool: Tool, _ arguments: Fields, _ exchange: Exchange) {
    let parts = state.split(separator: ".", maxSplits: 1).map(String.init)
    let approval = parts.first ?? ""
    guard parts.count == 2, parts[1].isSame(as: mark(of: arguments)) else {
      return exchange.answer(
        .success(
          ToolResult.error(
            RPCError(
              .invalidParams, "'requestState' is of a call with other arguments",
              hint: "call again with the arguments of that call, or without 'requestState'"))))
    }
    let params: Fields = ["approval": .string(approval.cut(to: 64)), "wait_ms": .int(patience)]
    exchange.server.board.call("approvals.wait", params, exchange.trace) { outcome in
      do throws(RPCError) {
        let found = try outcome.get().result
        switch found["state"] {
        case "waiting": waits(approval, arguments, found.map ?? [:], exchange)
        case "approved":
          guard let receipt = found["receipt"], receipt != .null else {
            throw RPCError(
              .approvalNeeded, "it was approved, and the output has changed since", data: found.map ?? [:],
              hint: "see 'devices' and 'why'")
          }
          exchange.answer(.success(ToolResult.success(tool, [:], Answer(result: receipt), [])))
        default: throw refusal(found)
        }
      } catch {
        exchange.answer(.success(ToolResult.error(error)))
      }
    }
  }

  private static func refusal(_ found: Value) -> RPCError {
    let by = found["by"]?.string ?? "somebody"
    let why = found["why"]?.string.map { ": \($0)" } ?? ""
    let message =
      switch found["state"] {
      case "denied": "\(by) has denied it\(why)"
      case "expired": "nobody has approved it in time"
      default: "it waits no more\(why)"
      }
    return RPCError(.approvalNeeded, message, data: found.map ?? [:], hint: "do not repeat it without a new reason")
  }

  /// Tells calls apart, whatever the order of their arguments (FNV-1a, 64 bits). It protects from mistakes, not from
  /// anybody: the state has no authority.
  private static func mark(of arguments: Fields) -> String {
    let sorted = Fields(arguments.map { ($0.key, $0.value) }.sorted { Name($0.0) < Name($1.0) })
    let sum = JSON.encode(.map(sorted)).reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(sum, radix: 36)
  }

  private static func waits(_ approval: String, _ arguments: Fields, _ data: Fields, _ exchange: Exchange) {
    guard exchange.era != .envelope else {
      let state = "\(approval).\(mark(of: arguments))"
      return exchange.answer(.success(["resultType": "input_required", "requestState": .string(state)]))
    }
    let known: Fields = Fields(
      data.filter { field in ["device", "state", "expires_ms"].contains { $0.isSame(as: field.key) } }
        .map { ($0.key, $0.value) } + [("approval", .string(approval))])
    exchange.answer(
      .success(
        ToolResult.error(
          RPCError(
            .approvalNeeded, "a person has to approve it first", data: known,
            hint: "call 'approval' with it to wait for the decision"))))
  }
}
