import Model

/// A JSON-RPC error: a stable code, a sentence for people, and data for programs.
package struct RPCError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One of `Code` when this daemon sent it; any integer when another program did.
  package var code: Int
  /// One sentence: operation, object, cause.
  package var message: String
  /// `hint`, and the fields that `docs/control.md` lists for the code; may be empty.
  package var data: Fields

  /// An error of the daemon. Message and hint are made printable and truncated to 2 KiB.
  /// - Parameter hint: the remedy; becomes `data.hint`.
  package init(_ code: Code, _ message: String, data: Fields = [:], hint: String? = nil) {
    self.code = code.rawValue
    self.message = message.asMessage
    self.data = data
    if let hint { self.data["hint"] = .string(hint.asMessage) }
  }

  /// A received error, unchanged.
  package init(code: Int, message: String, data: Fields) {
    self.code = code
    self.message = message
    self.data = data
  }

  /// The code as a `Code`; nil for an unknown number.
  package var known: Code? { Code(rawValue: code) }

  /// The remedy, from `data.hint`; nil when the error has none.
  package var hint: String? { data["hint"]?.string }

  /// `message (code): hint`.
  package var description: String { "\(message) (\(code))" + (hint.map { ": \($0)" } ?? "") }

  /// The codes: JSON-RPC 2.0's own, those inherited from OpenStarry, and the daemon's. `docs/control.md`, section 5.
  package enum Code: Int, Sendable, Hashable, CaseIterable {
    case parseError = -32700
    case invalidRequest = -32600
    case methodNotFound = -32601
    case invalidParams = -32602
    case internalError = -32603

    case agentNotFound = -32001
    case alreadyRunning = -32002
    case permissionDenied = -32003
    case agentNotRunning = -32004
    case rateLimited = -32005
    case quarantined = -32006
    case overloaded = -32007
    case storage = -32008
    case cannotRun = -32009
    case spawnDenied = -32010
    case notFound = -32011
    case parentDraining = -32012
    case latticeViolated = -32013
    case invalidFile = -32014
    case answerTooLong = -32015
    case safeMode = -32016

    case deviceNotFound = -32020
    case deviceDenied = -32021
    case deviceBusy = -32022
    case deviceLimited = -32023
    case deviceInvalid = -32024
    case deviceUnavailable = -32025
    case deviceFailed = -32026
    case notSimulated = -32027
    case approvalNeeded = -32028
  }
}

extension RPCError {
  /// The `error` member of a response.
  package var value: Value {
    var fields: Fields = ["code": .int(Int64(code)), "message": .string(message)]
    if !data.isEmpty { fields["data"] = .map(data) }
    return .map(fields)
  }

  /// Reads an `error` member; nil unless it has an integer `code` and a text `message`.
  package init?(_ value: Value) {
    guard let code = value["code"]?.int.flatMap(Int.init(exactly:)), let message = value["message"]?.string else {
      return nil
    }
    // JSON-RPC allows any value as data, and this type holds an object: wrap other values.
    let data: Fields =
      switch value["data"] {
      case .map(let fields): fields
      case nil, .null: [:]
      case let other?: ["value": other]
      }
    self.init(code: code, message: message, data: data)
  }
}
