import { isMarketError, useMarket } from '@market-sdk/react-native';
import { type ReactNode, useState } from 'react';
import { Button, Text, TextInput, View } from 'react-native';

type Props = { readonly notice: string; readonly phone?: string };

/** Two steps: a phone number, and the code that comes by SMS. */
export function Login({ notice, phone: known = '' }: Props): ReactNode {
  const { session } = useMarket();
  const [phone, setPhone] = useState(known);
  const [code, setCode] = useState('');
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState('');

  async function attempt(call: () => Promise<unknown>): Promise<void> {
    setProblem('');
    try {
      await call();
    } catch (error) {
      if (!isMarketError(error)) throw error;
      setProblem(error.message);
      // The code may have been used: a new one is needed.
      if (error.code === 'outcomeUnknown') setAsked(false);
    }
  }

  return (
    <View>
      <Text accessibilityRole="header">Sign in</Text>
      {notice !== '' && <Text>{notice}</Text>}
      <TextInput accessibilityLabel="Phone" inputMode="tel" value={phone} onChangeText={setPhone} />
      {asked && <TextInput accessibilityLabel="Code" inputMode="numeric" value={code} onChangeText={setCode} />}
      {problem !== '' && <Text>{problem}</Text>}
      {asked && <Button title="Sign in" onPress={() => void attempt(() => session.verifyCode(phone, code))} />}
      <Button
        title={asked ? 'Send another code' : 'Send a code'}
        onPress={() => void attempt(async () => session.requestCode(phone).then(() => setAsked(true)))}
      />
    </View>
  );
}
