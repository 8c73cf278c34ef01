import Config
import Model
import Testing

/// Valid settings that are probably a mistake: warnings, because a daemon can follow them.
@Suite struct DoubtfulSettingsTests {
  @Test func budgetsOfAnAgent() {
    func manifest(_ driver: String, _ budget: String) -> String {
      """
      identity: {id: a}
      runtime: {driver: \(driver), entry: a}
      budget: {\(budget)}
      """
    }
    #expect(
      complaints(.agent, manifest("wasm", "memory: 4, cpu: 150%, events: 0/s, log: 0KiB/m")) == #"""
        f:3:18: warning: 'memory' is 4: no agent can run with less than 64KiB, one page of a module's memory
        f:3:26: warning: 'cpu' is '150%': agents of driver 'wasm' run on one thread, which has 100% at most
        f:3:40: warning: 'events' is '0/s': it allows nothing; omit it for no limit
        f:3:50: warning: 'log' is '0KiB/m': it allows nothing; omit it for no limit
        """#)
    #expect(complaints(.agent, manifest("wasm", "memory: 64KiB, cpu: 100%, events: 1/s")) == "")
    #expect(complaints(.agent, manifest("process", "cpu: 150%")) == "", "a process may have several threads")
  }

  @Test func tokensThatHoldNoCall() {
    func manifest(_ tokens: String, _ rest: String = "runtime: {driver: process, entry: a}") -> String {
      "identity: {id: a}\n\(rest)\nbudget: {tokens: \(tokens)}\n"
    }
    #expect(
      complaints(.agent, manifest("10/h")) == #"""
        f:3:18: warning: 'tokens' is '10/h': no call fits into 10 tokens in 1h: request and answer are reserved \#
        before, at least about 256 tokens
        """#)
    #expect(
      complaints(.agent, manifest("['10k/h', '100']")) == #"""
        f:3:18: warning: 'tokens' is a list: no call fits into 100 tokens in total: request and answer are reserved \#
        before, at least about 256 tokens
        """#)
    #expect(complaints(.agent, manifest("256/h")) == "")
    // The agent says itself how long its answers may be.
    let mind = "cognition: {maxTokens: 800}"
    #expect(complaints(.agent, manifest("1000/h", mind)).holds("at least about 1056 tokens"))
    #expect(complaints(.agent, manifest("1056/h", mind)) == "")
    #expect(complaints(.settings, "board: b.yaml\nbudget: {tokens: 10/h}").holds("f:2:18: warning: 'tokens' is '10/h'"))
  }

  @Test func budgetsOfTheBoard() {
    #expect(
      complaints(.settings, "board: b.yaml\nbudget: {memory: 4KiB, cpu: 150%, disk: 0/d}") == #"""
        f:2:18: warning: 'memory' is '4KiB': the daemon itself needs about 4MiB, so agents would be stopped
        f:2:41: warning: 'disk' is '0/d': it allows nothing; omit it for no limit
        """#)
    #expect(complaints(.settings, "board: b.yaml\nbudget: {memory: 64MiB, disk: 100MB/d}") == "")
    // Calls are an agent's own, and so is the choice.
    #expect(
      complaints(.settings, "board: b.yaml\nbudget: {tokens: 5k/h, on_exhausted: wait}") == #"""
        f:2:24: 'on_exhausted' is for an agent's own 'budget' in its manifest: whether its calls wait, also for the \#
        board's limits
        """#)
  }

  @Test func limitsOfActuators() {
    func board(_ settings: String) -> String {
      "name: bench\nbackend: simulated\ndevices:\n  fan: {kind: actuator, \(settings)}"
    }
    #expect(
      complaints(.board, board("max_rate: 0/m")) == #"""
        f:4:35: warning: 'max_rate' is '0/m': it allows nothing; omit it for no limit
        """#)
    #expect(
      complaints(.board, board("max_on: 10m, lease: 1h")) == #"""
        f:4:45: warning: 'lease' is 1h, but 'max_on' ends every lease after 10m
        """#)
    // Without a min_off it rests as long. Defaults cause no warnings.
    for settings in ["max_on: 20s", "max_on: 20s, min_off: 0s", "max_on: 20s, min_off: 1s"] {
      #expect(complaints(.board, board(settings)) == "")
    }
    #expect(complaints(.board, board("max_on: 20s, min_off: 1s, lease: 20s")) == "")
  }

  @Test func levelsOfActuators() throws {
    func board(_ settings: String) -> String {
      "name: bench\nbackend: simulated\ndevices:\n  fan: {kind: actuator, \(settings)}"
    }
    for good in ["min: 30%, max: 80%", "min: 0.3", "max: 0.8, safe: 40%", "min: 20%, max: on"] {
      #expect(complaints(.board, board(good)) == "")
    }
    #expect(
      complaints(.board, board("min: 80%, max: 30%")) == #"""
        f:4:40: 'max' is 30%, and 'min' 80%: expected 'max' to be greater
        """#)
    #expect(
      complaints(.board, board("safe: on, max: 30%")) == #"""
        f:4:31: warning: 'safe' is on, above 'max' of 30%: only the safe state is that high
        """#)
    #expect(
      complaints(.board, board("min: 120%, max: full")) == #"""
        f:4:30: 'min' is '120%', expected on, off or a level such as 0.4 or 40%
        f:4:41: 'max' is 'full', expected on, off or a level such as 0.4 or 40%
        """#)
    #expect(
      complaints(.board, board("analogue: false, max: 30%")) == #"""
        f:4:47: 'max' limits levels, but this output is only on or off
        """#)
  }
}
