import Agent
import Model

extension Budget {
  /// The range of sensible values. Others are valid, but cause a warning.
  struct Sense {
    /// The least useful memory in bytes, and the warning for less.
    let memory: (least: Int, otherwise: String)
    /// Whether the owner's calls of models may wait: a board makes none of its own.
    var mayWait = true
    /// The greatest possible share of one core, and the warning for more; nil for no limit.
    var cpu: (most: Double, otherwise: String)?
    /// What the shortest question to a model reserves, in tokens.
    var call: Int64 = 256

    /// The range for an agent.
    /// - Parameters:
    ///   - isolation: nil for an unknown one.
    ///   - answer: the most tokens of each answer; nil where the manifest does not say it.
    static func agent(_ isolation: Isolation?, answer: Int?) -> Sense {
      var sense = Sense(memory: (64 << 10, "no agent can run with less than 64KiB, one page of a module's memory"))
      sense.call += Int64(answer ?? 0)
      if let isolation, isolation.runsOnLoop {
        sense.cpu = (1, "agents of driver '\(isolation.kind.rawValue)' run on one thread, which has 100% at most")
      }
      return sense
    }

    /// The range for the daemon and all agents together.
    static let board = Sense(
      memory: (4 << 20, "the daemon itself needs about 4MiB, so agents would be stopped"), mayWait: false)
  }

  /// Reads the keys of a `budget` block; missing keys leave their values unchanged. The caller closes the block.
  mutating func read(_ block: FieldReader, _ sense: Sense) {
    let bytes = Shape.bytes.doubted { $0 < sense.memory.least ? sense.memory.otherwise : nil }
    let share = Shape.percent.doubted { share in
      sense.cpu.flatMap { share > $0.most ? $0.otherwise : nil }
    }
    memory = block.optional("memory", bytes) ?? memory
    cpu = block.optional("cpu", share) ?? cpu
    activation = block.optional("activation", .duration(atLeast: .microseconds(1))) ?? activation
    let limits = Shape<[TokenLimit]>.tokenLimits(.tokens).doubted { limits in
      limits.first { $0.amount < sense.call }.map {
        "no call fits into \($0): request and answer are reserved before, at least about \(sense.call) tokens"
      }
    }
    let own = block.optional("tokens", limits)
    let money = block.optional("money", .tokenLimits(.money))
    if own != nil || money != nil {
      let kept = own == nil ? tokens.all.filter { $0.unit == .tokens } : []
      tokens = TokenLimits(kept + (own ?? []) + (money ?? []))
    }
    if sense.mayWait {
      waitsForTokens = block.value("on_exhausted", .choice([("refuse", false), ("wait", true)]), waitsForTokens)
    }
    events = block.optional("events", .rate) ?? events
    hardware = block.optional("hardware", .rate) ?? hardware
    log = block.optional("log", .byteRate) ?? log
    storage = block.optional("storage", .bytes) ?? storage
  }
}

extension Shape where Wanted == [TokenLimit] {
  /// `10k/h`, `5M` for a total, or a list of such; money as `0.50/d`.
  static func tokenLimits(_ unit: TokenLimit.Unit) -> Shape {
    let expected =
      unit == .tokens
      ? "a limit such as 10k/h, or 5M in total, or a list of such"
      : "a limit in the settings' currency such as 0.50/d, or 20 in total, or a list of such"
    return Shape(
      expected: expected, .either(.text(least: 1, most: 64), .list(of: .text(least: 1, most: 64)))
    ) { node, subject, findings in
      do throws(TokenLimitError) {
        return try TokenLimits(node.value, unit).all
      } catch {
        findings.error(node.location, "\(subject): \(error)")
        return nil
      }
    }
  }
}
