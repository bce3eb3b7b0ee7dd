import Foundation
import MarketSDK
import ShopScreens

/// The shop of the server whose address is the first argument.
@main
enum Main {
    @MainActor private static let terminal = Terminal(say: { print($0) }, ask: { prompt in
        print(prompt, terminator: "")
        fflush(nil)
        return readLine()
    })

    static func main() async {
        guard let baseURL = CommandLine.arguments.dropFirst().first else {
            return print("usage: shop BASE_URL")
        }
        do {
            let market = try MarketClient(
                baseURL: baseURL,
                appID: "com.example.shop",
                // An app keeps the default, the system's secure store: a terminal's session may as well end with it.
                store: .memory,
                allowHTTPLoopback: true
            )
            try await Shop(market, terminal).open()
        } catch {
            print(error.localizedDescription)
            exit(1)
        }
    }
}
