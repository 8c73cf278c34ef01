import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Proxy
#endif

/// Looks names up, each in a thread of its own, so that a slow name delays no other.
struct Resolver {
  /// What came of a name.
  struct Answer {
    var query: UInt32
    /// Empty after a failure.
    var addresses: [IPAddress]
    /// Whether there is no such name; otherwise a failure means that nobody could be asked.
    var isAbsent: Bool
  }

  private struct Question {
    var query: UInt32
    var agent: UInt32
    var name: [UInt8]
  }

  /// Look-ups at once, of all agents and of one. A thread cannot be ended before getaddrinfo(3) returns.
  private static let most = 16
  private static let mostOfAgent = 4

  private var ends: [Int32] = [-1, -1]
  private var waiting: [Question] = []
  private var running: [Question] = []
  private var last: UInt32 = 0

  init() {
    // SAFETY: the kernel writes two descriptors.
    guard unsafe openstarry_answer_pipe(&ends) == 0 else {
      Companion.end("openstarry-proxy", "there is no pipe", openstarry_errno(), 71)
    }
  }

  /// Readable when there are answers.
  var descriptor: Int32 { ends[0] }

  /// Asks for the addresses of a name. There are no more questions than connections.
  /// - Returns: the number of the answer.
  mutating func ask(_ name: [UInt8], for agent: UInt32) -> UInt32 {
    last = last == .max ? 1 : last + 1
    waiting.append(Question(query: last, agent: agent, name: name))
    start()
    return last
  }

  /// Forgets a question that has not been asked yet.
  mutating func forget(_ query: UInt32) {
    for index in waiting.indices where waiting[index].query == query {
      waiting.remove(at: index)
      return
    }
  }

  private mutating func start() {
    var index = 0
    while running.count < Self.most, index < waiting.count {
      let next = waiting[index]
      var count = 0
      for question in running where question.agent == next.agent { count += 1 }
      guard count < Self.mostOfAgent else {
        index += 1
        continue
      }
      // Without a thread for now it waits for the next answer; without any, for its own time limit.
      // SAFETY: the name is copied.
      guard unsafe openstarry_start_lookup(ends[1], next.query, next.name, next.name.count) == 0 else { return }
      waiting.remove(at: index)
      running.append(next)
    }
  }

  /// The answers that have come.
  mutating func take() -> [Answer] {
    var answers: [Answer] = []
    var raw = openstarry_addresses()
    // SAFETY: a thread writes the whole structure at once.
    while unsafe read(ends[0], &raw, MemoryLayout<openstarry_addresses>.size) == MemoryLayout<openstarry_addresses>.size
    {
      for index in running.indices where running[index].query == raw.query {
        running.remove(at: index)
        break
      }
      answers.append(
        Answer(query: raw.query, addresses: Self.addresses(raw), isAbsent: openstarry_lookup_failure(raw.error) == 1))
    }
    start()
    return answers
  }

  private static func addresses(_ raw: openstarry_addresses) -> [IPAddress] {
    var raw = raw
    var addresses: [IPAddress] = []
    // SAFETY: both arrays of the structure are plain bytes.
    let lengths = unsafe withUnsafeBytes(of: &raw.lengths) { unsafe [UInt8]($0) }
    let bytes = unsafe withUnsafeBytes(of: &raw.bytes) { unsafe [UInt8]($0) }
    for index in 0..<min(Int(raw.count), lengths.count) {
      let start = index * 16
      if let address = IPAddress(bytes: [UInt8](bytes[start..<(start + Int(lengths[index]))])),
        !addresses.contains(address)
      {
        addresses.append(address)
      }
    }
    return addresses
  }
}
