package shop

import dev.marketsdk.MarketClient
import dev.marketsdk.SessionStore
import kotlinx.coroutines.runBlocking
import java.util.Locale

/** The shop of the server whose address is the first argument. */
fun main(arguments: Array<String>) {
    val baseUrl = arguments.firstOrNull() ?: return println("usage: shop BASE_URL")
    Locale.setDefault(Locale.US)
    MarketClient(
        baseUrl = baseUrl,
        appId = "com.example.shop",
        // An app keeps the default, the system's secure store: a terminal's session may as well end with it.
        store = SessionStore.Memory,
        allowHttpLoopback = true,
    ).use { market -> runBlocking { Shop(market, Console).open() } }
}

private object Console : Terminal {
    override fun say(line: String): Unit = println(line)

    override fun ask(prompt: String): String? {
        print(prompt)
        System.out.flush()
        return readlnOrNull()
    }
}
