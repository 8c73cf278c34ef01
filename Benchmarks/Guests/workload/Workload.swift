import OpenStarryAgent

/// The agent of the benchmarks, in-process and as a WebAssembly module from the same source.
public struct Workload: Agent {
  private var sum: UInt32 = 0

  public init() {}

  public mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    switch event.type {
    case "input:button": try context.control("relay", event["active"]?.bool == true ? .on : .off)
    case "bench:now": for _ in 0..<(event["count"]?.int ?? 0) { sum &+= UInt32(truncatingIfNeeded: context.now) }
    case "bench:read": for _ in 0..<(event["count"]?.int ?? 0) { _ = try context.read("button") }
    case "bench:compute": compute(event["count"]?.int ?? 0)
    case "bench:spin": while true { sum &+= 1 }
    default: break
    }
  }

  public func snapshot() -> Value { ["sum": .int(Int64(sum))] }

  /// Runs the sieve of Eratosthenes and computes a checksum over it (FNV-1a), `rounds` times.
  private mutating func compute(_ rounds: Int64) {
    var sieve = [Bool](repeating: true, count: 8192)
    for _ in 0..<rounds {
      for index in sieve.indices { sieve[index] = true }
      var prime = 2
      while prime * prime < sieve.count {
        if sieve[prime] {
          for multiple in stride(from: prime * prime, to: sieve.count, by: prime) { sieve[multiple] = false }
        }
        prime += 1
      }
      var hash: UInt32 = 2_166_136_261
      for isPrime in sieve { hash = (hash ^ (isPrime ? 1 : 0)) &* 16_777_619 }
      sum &+= hash
    }
  }
}
