import Model
import Testing

@testable import CommandLine

struct RegistryTextTests {
  private let climate: Value = [
    "agent": "climate", "name": "Climate", "version": "1.2.0", "description": "", "driver": "wasm",
    "entry": "climate.wasm", "lifecycle": "always", "subscribe": ["sensor:*"], "file": "/etc/climate/agent.json",
    "enabled": false, "state": "idle",
  ]

  @Test func theTableShowsWhoMayRunAndWhoCannot() {
    let lines = RegistryText.table([climate], unusable: ["odd\u{1B}": "agent.json:1:1: no 'identity'"])
    #expect(
      lines == [
        "AGENT ID  VERSION  DRIVER  LIFECYCLE  ENABLED  STATUS    MANIFEST",
        "climate   1.2.0    wasm    always     no       disabled  /etc/climate/agent.json",
        "odd\\u{1b} cannot run: agent.json:1:1: no 'identity'",
      ])
    #expect(RegistryText.table([]) == ["no agents; in safe mode none are loaded ('openstarry status')"])
    #expect(RegistryText.table([], unusable: ["a": "why"]) == ["a cannot run: why"])
  }

  @Test func thePageHasOneFactOnALineAndOmitsWhatIsEmpty() {
    var fields = climate.map ?? [:]
    fields["permissions"] = ["actuators": ["fan", "lamp"], "model": true]
    fields["rules"] = ["hot"]
    fields["status"] = ["agent": "climate", "state": "idle", "enabled": false, "last_error": "no such sensor\u{7}"]
    let lines = RegistryText.page(.map(fields))
    #expect(
      lines == [
        "agent           climate, version 1.2.0", "name            Climate", "manifest        /etc/climate/agent.json",
        "runs            climate.wasm (wasm), always", "enabled         no", "subscribes to   sensor:*",
        "may: actuators  fan, lamp", "may: model      yes", "named by rules  hot",
        "state           climate is disabled", "last error      no such sensor\\u{7}",
      ])
  }
}
