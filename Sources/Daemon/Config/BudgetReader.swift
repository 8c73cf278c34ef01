import Agent
import Model

extension Budget {
  /// What can be meant by a budget, beyond what its keys can say.
  struct Sense {
    /// The least memory that is of use, in bytes, and why less is not.
    let memory: (least: Int, otherwise: String)
    /// The most processor time there is, as a share of one core, and why; nil where nobody knows.
    var cpu: (most: Double, otherwise: String)?

    /// Of an agent.
    static func agent(_ isolation: Isolation?) -> Sense {
      var sense = Sense(memory: (64 << 10, "no agent lives on less than 64KiB, one page of a module's memory"))
      if let isolation, isolation.runsOnLoop {
        sense.cpu = (1, "agents of driver '\(isolation.kind.rawValue)' run on one thread, which has 100% at most")
      }
      return sense
    }

    /// Of all agents, with the daemon.
    static let board = Sense(memory: (4 << 20, "the daemon itself takes about 4MiB, and agents would stop for it"))
  }

  /// Reads the keys of a `budget` block that are there; the others stay as they are. The block is left open.
  mutating func read(_ block: FieldReader, _ sense: Sense) {
    let bytes = Shape.bytes.doubted { $0 < sense.memory.least ? sense.memory.otherwise : nil }
    let share = Shape.percent.doubted { share in
      sense.cpu.flatMap { share > $0.most ? $0.otherwise : nil }
    }
    memory = block.optional("memory", bytes) ?? memory
    cpu = block.optional("cpu", share) ?? cpu
    activation = block.optional("activation", .duration(atLeast: .microseconds(1))) ?? activation
    tokens = block.optional("tokens", .rate) ?? tokens
    events = block.optional("events", .rate) ?? events
    hardware = block.optional("hardware", .rate) ?? hardware
    log = block.optional("log", .byteRate) ?? log
    storage = block.optional("storage", .bytes) ?? storage
  }
}
